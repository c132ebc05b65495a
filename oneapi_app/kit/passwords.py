"""bcrypt hashes, compatible with those in an existing database in both directions."""

import bcrypt

COST = 10
"""The original's cost, so that a roll-back can verify what we wrote."""

_MAX_BYTES = 72


def hash_password(password: str) -> str:
    """``$2a$`` form. Takes about 50 ms of CPU: call it off the event loop."""
    salt = bcrypt.gensalt(COST, prefix=b"2a")
    return bcrypt.hashpw(password.encode()[:_MAX_BYTES], salt).decode()


def verify_password(password: str, hashed: str) -> bool:
    """False for an empty or foreign hash too. Takes about 50 ms of CPU: call it off the event loop."""
    if not hashed:
        return False
    try:
        return bcrypt.checkpw(password.encode()[:_MAX_BYTES], hashed.encode())
    except ValueError:
        return False
