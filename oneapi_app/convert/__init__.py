"""From one dialect to another, through one neutral form; pass-through where they are the same."""
