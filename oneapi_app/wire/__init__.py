"""One dialect each: its vocabulary, reading it into the hub, writing it out. No database, no network, no vendor's address."""
