"""Domain-free building blocks; nothing here knows what a token or a channel is."""
