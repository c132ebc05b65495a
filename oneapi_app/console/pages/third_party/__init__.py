"""Back from a third party."""
