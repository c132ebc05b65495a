"""Identifiers and keys in the forms of the original: keys from a cryptographic source, for they are secrets."""

import random
import secrets
import string
import time
import uuid

from oneapi_app.kit.clock import NS_PER_S

_ALPHANUMERIC = string.ascii_letters + string.digits
_RANDOM = 100_000_000
_second_ns = 0
_second_text = ""


def request_id() -> str:
    """``YYYYMMDDhhmmss`` in local time, the nanoseconds within the second, 8 random digits."""
    global _second_ns, _second_text
    now = time.time_ns()
    nanos = now - _second_ns
    if not 0 <= nanos < NS_PER_S:
        nanos = now % NS_PER_S
        _second_ns = now - nanos
        _second_text = time.strftime("%Y%m%d%H%M%S", time.localtime(now // NS_PER_S))
    # Both numbers as one: text of a fixed width costs as much as all of this.
    return f"{_second_text}{nanos * _RANDOM + int(random.random() * _RANDOM)}"


def random_text(length: int) -> str:
    """Letters and digits."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def hex32() -> str:
    """32 lower-case hex digits: access tokens, redemption codes."""
    return uuid.uuid4().hex


def token_key() -> str:
    """48 characters: 16 alphanumerics, then 32 hex digits with letters at even places in upper case."""
    digits = uuid.uuid4().hex
    return random_text(16) + "".join(c.upper() if i % 2 == 0 else c for i, c in enumerate(digits))
