"""What a client asked for, as it wrote it: for sending it on to another address."""

from collections.abc import MutableMapping
from typing import Any


def request_uri(scope: MutableMapping[str, Any]) -> str:
    """Path and query, still encoded. Always begins with a slash, so that put behind a host it cannot change it."""
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    return f"/{path.removeprefix('/')}" + (f"?{query}" if query else "")
