"""Reading the session cookie out of a Cookie header, whatever a browser or anybody else puts there."""

import pytest

from oneapi_app.console.session import read_session_cookie, socket_address
from oneapi_app.kit.client_address import read_networks


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("session=abc", "abc"),
        ("theme=dark; session=abc-_.; other=1", "abc-_."),
        ('session="abc"', "abc"),
        ("", None),
        ("sessions=abc", None),
        ("session=", ""),
        ("\x00=;;;===", None),
    ],
)
def test_cookie(header: str, secret: str | None):
    assert read_session_cookie(header) == secret


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("203.0.113.1", {"x-forwarded-for": "192.0.2.1"}, "203.0.113.1"),
        ("127.0.0.1", {"x-forwarded-for": "192.0.2.1, 203.0.113.2", "cookie": "a=\u4e2d"}, "203.0.113.2"),
        ("127.0.0.1", {"x-real-ip": "203.0.113.3"}, "203.0.113.3"),
        ("127.0.0.1", {}, "127.0.0.1"),
    ],
)
def test_whose_socket(peer: str, headers: dict[str, str], address: str):
    assert socket_address(headers, peer, read_networks(["127.0.0.1/32"])) == address
