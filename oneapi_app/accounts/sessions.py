"""Sessions: a random secret in the cookie, its hash in the database, checked on every call.

Role, status and password state are read with the session, so that a ban or a demotion counts at once.
"""

import secrets
from hashlib import sha256

from oneapi_app.accounts import repository
from oneapi_app.accounts.policy import is_initial_password
from oneapi_app.actor import ROOT, Actor
from oneapi_app.errors import Forbidden
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.models import LoginSession, User
from oneapi_app.models.user import ENABLED

LIFETIME_S = 30 * 24 * 3600
ANONYMOUS_LIFETIME_S = 3600
"""Of a session nobody is signed in to: long enough for an OAuth or Turnstile round trip."""
_SECRET_BYTES = 32


def open_session(uow: UnitOfWork, user_id: int, *, address: str = "", user_agent: str = "") -> str:
    """A new session; the cookie's value. Expired sessions of everybody are swept on the way."""
    return _open(uow, user_id, LIFETIME_S, address, user_agent)[1]


def browser_session(
    uow: UnitOfWork, cookie: str | None, *, address: str = "", user_agent: str = ""
) -> tuple[LoginSession, str]:
    """The session of this browser, signed in or not, to note something in; a new anonymous one where it has none.

    The second is the cookie's value: to be sent where it is not ``cookie``.
    """
    found = find_session(uow, cookie) if cookie else None
    if cookie and found is not None:
        return found, cookie
    return _open(uow, 0, ANONYMOUS_LIFETIME_S, address, user_agent)


def has_passed_turnstile(uow: UnitOfWork, cookie: str) -> bool:
    found = find_session(uow, cookie)
    return found is not None and found.turnstile_passed > 0


def note_turnstile_passed(
    uow: UnitOfWork, cookie: str | None, *, address: str = "", user_agent: str = ""
) -> str:
    """Counts as long as the browser's session lives; the cookie's value as ``browser_session`` gives it."""
    found, secret = browser_session(uow, cookie, address=address, user_agent=user_agent)
    found.turnstile_passed = 1
    return secret


def _open(
    uow: UnitOfWork, user_id: int, lifetime_s: int, address: str, user_agent: str
) -> tuple[LoginSession, str]:
    now = now_s()
    repository.forget_expired_sessions(uow.session, now)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    opened = LoginSession(
        id=session_id(secret),
        user_id=user_id,
        user_agent=user_agent.replace("\0", "")[:255],
        address=address[:64],
        created_at=now,
        seen_at=now,
        expires_at=now + lifetime_s,
    )
    uow.session.add(opened)
    return opened, secret


def session_id(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()


def close_session(uow: UnitOfWork, cookie: str) -> None:
    found = uow.session.get(LoginSession, session_id(cookie))
    if found is not None:
        uow.session.delete(found)


def find_session(uow: UnitOfWork, cookie: str) -> LoginSession | None:
    """The session itself, also one nobody is signed in to yet; None where it has ended."""
    found = uow.session.get(LoginSession, session_id(cookie))
    return found if found is not None and found.expires_at >= now_s() else None


def actor_for_cookie(uow: UnitOfWork, cookie: str | None) -> Actor | None:
    """Who is signed in with this cookie. None where nobody is, or the user may not act any more."""
    user, found = _user_of(uow, cookie)
    if user is None or found is None or user.status != ENABLED:
        return None
    return _actor(user, found.id)


def actor_for_request(uow: UnitOfWork, cookie: str | None) -> Actor | None:
    """As ``actor_for_cookie``, but says so (Forbidden) where the user has been banned."""
    user, found = _user_of(uow, cookie)
    if user is None or found is None:
        return None
    if user.status != ENABLED:
        raise banned()
    return _actor(user, found.id)


def actor_for_access_token(uow: UnitOfWork, token: str) -> Actor | None:
    """Who this access token belongs to. Raises Forbidden for a banned user."""
    if not token or len(token) > 64 or not token.isascii():
        return None
    user = repository.find_by_access_token(uow.session, token)
    if user is None or not secrets.compare_digest((user.access_token or "").encode(), token.encode()):
        return None
    if user.status != ENABLED:
        raise banned()
    return _actor(user, None)


def banned() -> Forbidden:
    return Forbidden("用户已被封禁", "this user has been banned")


def _user_of(uow: UnitOfWork, cookie: str | None) -> tuple[User | None, LoginSession | None]:
    if not cookie:
        return None, None
    found = find_session(uow, cookie)
    if found is None or found.user_id == 0:
        return None, None
    return repository.find(uow.session, found.user_id), found


def _actor(user: User, session_id: str | None) -> Actor:
    role = user.role or 0
    return Actor(
        user_id=user.id or 0,
        username=user.username or "",
        role=role,
        group=user.group or "default",
        must_change_password=role == ROOT and is_initial_password(user.password),
        session_id=session_id,
    )
