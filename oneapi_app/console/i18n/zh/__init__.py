"""Texts, one module per area: ``TEXTS`` maps names to Chinese."""
