"""The state that ties a browser's return from a provider to its departure: in its session, good for one return.

The state knows which provider it was issued for, where that was said. The PKCE verifier is not stored: it is made
from the state and the session's secret, which only this browser's cookie holds.
"""

import base64
import hmac
from hashlib import sha256

from sqlalchemy import update
from sqlmodel import col

from oneapi_app.accounts import sessions
from oneapi_app.errors import Forbidden
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.ids import random_text
from oneapi_app.models import LoginSession

_STATE_CHARS = 12


class StateMismatch(Forbidden):
    """The browser that returns is not the one that left, or returns a second time."""

    http_status = 403

    def __init__(self) -> None:
        text = "state is empty or not same"
        super().__init__(text, "this sign-in was not begun in this browser, or has been completed already")


def depart(
    uow: UnitOfWork, cookie: str | None, *, provider: str = "", address: str = "", user_agent: str = ""
) -> tuple[str, str]:
    """A new state, replacing the session's former one, and the session's secret (new where there was no session).

    ``provider`` is empty for clients that build the provider's address themselves.
    """
    session, secret = sessions.browser_session(uow, cookie, address=address, user_agent=user_agent)
    state = random_text(_STATE_CHARS)
    session.oauth_state = f"{state}:{provider}" if provider else state
    return state, secret


def arrive(uow: UnitOfWork, cookie: str | None, *, provider: str, state: str) -> bool:
    """Spends the state. True where we sent the browser away ourselves. Raises StateMismatch."""
    found = sessions.find_session(uow, cookie) if cookie else None
    held = found.oauth_state if found else ""
    expected, _, issued_for = held.partition(":")
    same = hmac.compare_digest(expected.encode(), state.encode("utf-8", "replace"))
    if found is None or not expected or not same or issued_for not in ("", provider):
        raise StateMismatch
    spend = update(LoginSession).where(
        col(LoginSession.id) == found.id, col(LoginSession.oauth_state) == held
    )
    if uow.session.exec(spend.values(oauth_state="")).rowcount != 1:
        raise StateMismatch
    return issued_for != ""


def code_verifier(secret: str, state: str) -> str:
    """PKCE (RFC 7636): 43 characters."""
    digest = hmac.digest(secret.encode("utf-8", "surrogateescape"), f"pkce:{state}".encode(), sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
