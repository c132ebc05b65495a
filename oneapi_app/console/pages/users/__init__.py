"""Users, for admins: who they are, what they may spend, what they spent."""
