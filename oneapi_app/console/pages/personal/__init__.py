"""Personal settings: profile, password, access token, sessions, language, appearance, leaving."""
