"""What surrounds every page: frame, menus, palette, and the check on entering."""
