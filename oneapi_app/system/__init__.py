"""The site itself: its options, its status, its public texts."""
