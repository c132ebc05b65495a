"""The caller's address: the peer's, or what proxies we trust say about it."""

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from oneapi_app.errors import SettingsError

Network = IPv4Network | IPv6Network
Trusted = tuple[Network, ...]

MOST_PROXIES = 10
"""Told of; whoever is in such a network could make up more."""


def read_networks(texts: Iterable[str]) -> Trusted:
    """CIDRs; ``*`` means everybody. Raises SettingsError."""
    networks: list[Network] = []
    for text in texts:
        if text == "*":
            networks += (ip_network("0.0.0.0/0"), ip_network("::/0"))
            continue
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            raise SettingsError(
                f"TRUSTED_PROXIES: {text!r} is no network, expected e.g. 10.0.0.0/8"
            ) from None
    return tuple(networks)


PRIVATE = read_networks(("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))


def client_address(scope: MutableMapping[str, Any], trusted: Trusted) -> str:
    """Walks X-Forwarded-For from the right, past proxies we trust. Empty where the server knows no peer."""
    peer = scope.get("client")
    address: str = peer[0] if peer else ""
    if not is_trusted(address, trusted):
        return address
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    if not forwarded:
        real = next((value for name, value in scope["headers"] if name == b"x-real-ip"), b"")
        return _readable(real.decode("latin-1").strip()) or address
    for hop in reversed(b",".join(forwarded).decode("latin-1").split(",")):
        named = _readable(hop.strip())
        if not named:
            break
        address = named
        if not is_trusted(address, trusted):
            break
    return address


class UnknownProxies:
    """Finds proxies that nobody has told us of: addresses of private networks that forward for others."""

    def __init__(self, trusted: Trusted) -> None:
        self._trusted = trusted
        self._told: set[str] = set()

    def find(self, scope: MutableMapping[str, Any]) -> str | None:
        """The proxy this request came through, the first time it is seen."""
        peer = scope.get("client")
        address: str = peer[0] if peer else ""
        if address in self._told or len(self._told) >= MOST_PROXIES:
            return None
        if not any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            return None
        if not is_trusted(address, PRIVATE) or is_trusted(address, self._trusted):
            return None
        self._told.add(address)
        return address


def _readable(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


@lru_cache(maxsize=4096)
def is_trusted(address: str, trusted: Trusted) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)
