"""What the entrance pages need to know before anybody is signed in."""

from typing import Any

import reflex as rx

from oneapi_app.console import routes
from oneapi_app.console.client import load, session_expired
from oneapi_app.console.session import ConsoleState


class EntranceState(ConsoleState, rx.State):
    expired: bool = False
    registered: bool = False

    @rx.event
    async def open(self) -> Any:
        """Sign-in and sign-up: whoever is already signed in is led on."""
        query = self.router.url.query_parameters
        self.expired, self.registered = (query.get(name) == "true" for name in ("expired", "registered"))
        actor = await self._viewer()
        if actor is not None:
            return load(routes.CHANGE_PASSWORD if actor.must_change_password else routes.DASHBOARD)
        return None

    @rx.event
    async def open_password(self) -> Any:
        """The forced change: only for those who must."""
        actor = await self._viewer()
        if actor is None:
            return session_expired()
        return None if actor.must_change_password else load(routes.DASHBOARD)
