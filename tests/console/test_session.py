"""Reading the session cookie out of a Cookie header, whatever a browser or anybody else puts there."""

import pytest

from oneapi_app.console.session import read_session_cookie


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
