"""Whose request it is, behind proxies that are trusted, unknown, or made up."""

from typing import Any

import pytest

from oneapi_app.errors import SettingsError
from oneapi_app.kit.client_address import MOST_PROXIES, UnknownProxies, client_address, read_networks

LOOPBACK = read_networks(["127.0.0.1/32", "::1/128"])


def scope(peer: str | None, *forwarded: str, real: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded]
    headers += [(b"x-real-ip", real.encode())] if real else []
    return {"client": (peer, 1) if peer is not None else None, "headers": headers}


@pytest.mark.parametrize(
    ("found", "trusted", "address"),
    [
        (scope("203.0.113.1"), LOOPBACK, "203.0.113.1"),
        (scope("203.0.113.1", "192.0.2.9"), LOOPBACK, "203.0.113.1"),
        (scope("127.0.0.1", "192.0.2.9"), LOOPBACK, "192.0.2.9"),
        (scope("127.0.0.1", "1.1.1.1, 192.0.2.9"), LOOPBACK, "192.0.2.9"),
        (scope("127.0.0.1", "1.1.1.1", "192.0.2.9"), LOOPBACK, "192.0.2.9"),
        (scope("127.0.0.1", "192.0.2.9, 127.0.0.1"), LOOPBACK, "192.0.2.9"),
        (scope("127.0.0.1", "192.0.2.9, nonsense"), LOOPBACK, "127.0.0.1"),
        (scope("127.0.0.1", real="192.0.2.9"), LOOPBACK, "192.0.2.9"),
        (scope("127.0.0.1", "2001:db8::1"), LOOPBACK, "2001:db8::1"),
        (scope("10.0.0.2", "192.0.2.9"), read_networks(["*"]), "192.0.2.9"),
        (scope(None, "192.0.2.9"), LOOPBACK, ""),
    ],
)
def test_address(found: dict[str, Any], trusted: Any, address: str):
    assert client_address(found, trusted) == address


def test_a_network_that_is_none():
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        read_networks(["10.0.0.0/33"])


def test_unknown_proxies_are_told_of_once():
    proxies = UnknownProxies(read_networks(["127.0.0.1/32", "172.18.0.0/16"]))
    assert proxies.find(scope("172.18.0.1", "192.0.2.9")) is None, "trusted"
    assert proxies.find(scope("203.0.113.1", "192.0.2.9")) is None, "anybody can write the header"
    assert proxies.find(scope("172.19.0.1")) is None, "forwards for nobody"
    assert proxies.find(scope("172.19.0.1", "192.0.2.9")) == "172.19.0.1"
    assert proxies.find(scope("172.19.0.1", "192.0.2.9")) is None
    found = [proxies.find(scope(f"10.0.0.{number}", "192.0.2.9")) for number in range(50)]
    assert len([address for address in found if address]) == MOST_PROXIES - 1
