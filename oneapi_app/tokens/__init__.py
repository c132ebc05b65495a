"""Tokens: the ``sk-…`` keys people hand to their programs, what each may do and how much it may spend."""
