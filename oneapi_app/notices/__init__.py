"""Who is told what has happened: operators of their channels, users of their balance."""
