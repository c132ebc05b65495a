"""What anybody may see: the front page, about, not found."""
