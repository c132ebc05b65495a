"""Whether a browser sends a request for another site's sake. Cookies count only for our own pages.

Browsers say it in Sec-Fetch-Site; over plain HTTP, and where they are old, they say Origin with what changes things.
What they then still send along is a followed link (SameSite=Lax), and the original changes things on GET: those are
told by what a browser accepts when it opens a page. Programs send none of these headers.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
_OURS = (b"same-origin", b"none")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SIGNING_IN = "/api/oauth/"
"""GETs that sign in and bind: they need no cookie to leave one."""


def is_refused(scope: Scope) -> bool:
    """Something that changes things, for another site: also a sign-in, which brings no cookie but leaves one."""
    headers = dict(scope["headers"])
    if scope["method"] in _SAFE:
        return scope["path"].startswith(_SIGNING_IN) and _is_link_from_elsewhere(headers)
    if b"authorization" in headers and b"cookie" not in headers:
        return False
    if (site := headers.get(b"sec-fetch-site")) is not None:
        return site not in _OURS
    if (origin := headers.get(b"origin")) is None:
        return False
    host = headers.get(b"x-forwarded-host", headers.get(b"host", b""))
    return _hostname(origin) != _hostname(b"//" + host)


def without_foreign_cookie(scope: Scope) -> Scope:
    """The request, without its cookie where that comes with a link followed from another site."""
    headers = dict(scope["headers"])
    if b"cookie" not in headers or scope["method"] not in _SAFE or not _is_link_from_elsewhere(headers):
        return scope
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}


def _is_link_from_elsewhere(headers: dict[bytes, bytes]) -> bool:
    site = headers.get(b"sec-fetch-site")
    return b"text/html" in headers.get(b"accept", b"") if site is None else site not in _OURS


def _hostname(address: bytes) -> str | None:
    try:
        return urlsplit(address.decode("latin-1")).hostname
    except ValueError:
        return None
