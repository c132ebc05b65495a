"""Coming in: sign-in, and the new password root must choose first."""
