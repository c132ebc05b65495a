"""The web console: everything Reflex. Pages call the domains' services; nothing else calls the console."""
