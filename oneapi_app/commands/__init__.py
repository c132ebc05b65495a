"""What the command line does, one file per command; nothing else imports these."""
