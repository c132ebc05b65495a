"""The three limits of contract §5.0.2: what counts against which is said by whoever asks."""

import math
from ipaddress import IPv6Address, ip_address

from oneapi_app.errors import RateLimited
from oneapi_app.limits.shared import SharedWindows
from oneapi_app.limits.window import Window
from oneapi_app.settings import Settings

SHORT_S = 180.0
LONG_S = 1200.0


class Limit:
    """``limit`` requests in ``window_s`` seconds from one address; 0 = no limit.

    This node's own count is always kept. It is part of the shared one, so what it refuses needs no asking, and it is
    there when Redis is not.
    """

    def __init__(self, name: str, limit: int, window_s: float, shared: SharedWindows | None) -> None:
        self._name = name
        self._limit = limit
        self._window_s = window_s
        self._own = Window(limit, window_s)
        self._shared = shared

    async def hit(self, address: str) -> float | None:
        """None where the request may pass, and is counted; else seconds until the next one may."""
        if self._limit <= 0:
            return None
        counted_as = network_of(address)
        wait_s = self._own.wait_s(counted_as)
        if wait_s is None and self._shared is not None:
            wait_s = await self._shared.hit(self._name, counted_as, self._limit, self._window_s)
        if wait_s is None:
            self._own.count(counted_as)
        return wait_s

    async def require(self, address: str) -> None:
        """The same for callers that are told by an error: raises RateLimited."""
        wait_s = await self.hit(address)
        if wait_s is not None:
            raise RateLimited(wait_s)


class Limits:
    """``general``: the management API and the billing paths. ``pages``: the console's pages.

    ``critical``: whatever tries passwords or codes, or sends mail.
    """

    def __init__(self, settings: Settings, shared: SharedWindows | None) -> None:
        self.general = Limit("general", settings.api_rate_limit, SHORT_S, shared)
        self.pages = Limit("pages", settings.web_rate_limit, SHORT_S, shared)
        self.critical = Limit("critical", settings.critical_rate_limit, LONG_S, shared)


def retry_after(wait_s: float) -> tuple[bytes, bytes]:
    """The header that says when to come again: whole seconds, never too early."""
    return b"retry-after", str(max(1, math.ceil(wait_s))).encode()


def network_of(address: str) -> str:
    """What is counted: an IPv4 address, but the /64 of an IPv6 one, which is what one customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
