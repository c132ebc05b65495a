"""One's tokens: making, limiting, switching and using them."""
