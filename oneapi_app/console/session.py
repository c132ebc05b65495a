"""Who is behind a page's socket, and the only way from a page's handler to a service.

Anything public on a state can be called by anyone with a socket, so a handler does nothing before it has asked
who is calling. The session cookie is read from the headers of the socket's handshake, which only the server
writes; the session is looked up again on every call.
"""

from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Concatenate, ParamSpec, TypeVar

import reflex as rx

from oneapi_app.accounts.sessions import actor_for_cookie
from oneapi_app.actor import COMMON, Actor
from oneapi_app.errors import Forbidden, Unauthenticated
from oneapi_app.kit.client_address import Trusted, client_address
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.runtime import current_runtime

P = ParamSpec("P")
T = TypeVar("T")

SESSION_COOKIE = "session"


class ConsoleState(rx.State, mixin=True):
    """Mix into every page state: ``class TokensState(ConsoleState, rx.State)``.

    ``_call`` and ``_read`` are how handlers reach services; they raise Unauthenticated when nobody is signed
    in, and the service raises Forbidden when that somebody may not. Let errors rise: they become toasts.
    """

    async def _call(
        self, function: Callable[Concatenate[UnitOfWork, Actor, P], T], *args: Any, **kwargs: Any
    ) -> T:
        """``function(uow, actor, *args, **kwargs)`` in one committed transaction."""
        return await current_runtime().database.run(_as_viewer, self._cookie(), function, args, kwargs)

    async def _read(
        self, function: Callable[Concatenate[UnitOfWork, Actor, P], T], *args: Any, **kwargs: Any
    ) -> T:
        """The same without writing."""
        return await current_runtime().database.read(_as_viewer, self._cookie(), function, args, kwargs)

    async def _actor(self, role: int = COMMON) -> Actor:
        """Who is calling, for what is not a service call (the relay's live state, a stream).

        Raises Unauthenticated, or Forbidden below ``role`` or before the initial password is changed.
        """
        actor = await self._viewer()
        if actor is None:
            raise _nobody()
        if actor.must_change_password or actor.role < role:
            raise Forbidden("无权进行此操作", "you may not do this")
        return actor

    async def _viewer(self) -> Actor | None:
        return await current_runtime().database.read(actor_for_cookie, self._cookie())

    async def _count_attempt(self) -> None:
        """For handlers that try a code: counts like a request to the management API. Raises RateLimited."""
        runtime = current_runtime()
        headers = self.router.headers.raw_headers
        address = socket_address(headers, self.router.session.client_ip, runtime.trusted_networks)
        await runtime.limits.general.require(address)

    def _cookie(self) -> str | None:
        return read_session_cookie(self.router.headers.raw_headers.get("cookie", ""))


def socket_address(headers: Mapping[str, str], peer: str, trusted: Trusted) -> str:
    """Whose socket this is: the peer's, or what proxies we trust say in the headers of its handshake."""
    pairs = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
    ]
    return client_address({"client": (peer, 0), "headers": pairs}, trusted)


def read_session_cookie(header: str) -> str | None:
    """The session's secret from a Cookie header, or None."""
    try:
        morsel = SimpleCookie(header).get(SESSION_COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _as_viewer(
    uow: UnitOfWork,
    cookie: str | None,
    function: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> T:
    actor = actor_for_cookie(uow, cookie)
    if actor is None:
        raise _nobody()
    return function(uow, actor, *args, **kwargs)


def _nobody() -> Unauthenticated:
    return Unauthenticated("无权进行此操作，未登录且未提供 access token", "you are signed out")
