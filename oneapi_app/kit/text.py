"""Text from outside: what a database can hold."""


def is_storable(text: str) -> bool:
    """Whether all three engines take it: no NUL (PostgreSQL refuses it) and no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str) -> str:
    """The text as all three engines take it."""
    return text.replace("\0", "").encode(errors="replace").decode()
