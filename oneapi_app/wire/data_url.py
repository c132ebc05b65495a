"""Data URLs: how several dialects carry files inside JSON (RFC 2397)."""

import re

_HEAD = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.ASCII | re.IGNORECASE)


def split_data_url(url: str) -> tuple[str, str] | None:
    """(media type, base64 text); the media type may be empty. None: no base64 data URL."""
    found = _HEAD.match(url)
    if found is None:
        return None
    return (found.group(1) or "").lower(), url[found.end() :]
