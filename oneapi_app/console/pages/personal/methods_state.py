"""How the viewer can sign in besides the password: what is bound, and unbinding it.

Binding is not here: it goes over HTTP and, for most, to the provider and back (``console.entering``).
"""

from typing import Any

import reflex as rx

from oneapi_app.accounts import service as accounts
from oneapi_app.accounts.third_party import service as third_party
from oneapi_app.accounts.third_party.identity import ALL
from oneapi_app.console.client import set_query
from oneapi_app.console.notices import notify, notify_error
from oneapi_app.console.session import ConsoleState
from oneapi_app.errors import Conflict


class MethodsState(ConsoleState, rx.State):
    email: str = ""
    bound: dict[str, bool] = {}
    """By the provider's name."""
    has_some: bool = False
    """Whether anything is bound, the address included."""
    github_login: str = ""
    doomed: str = ""
    """The provider about to be unbound."""

    @rx.event
    async def open(self) -> Any:
        self.doomed = ""
        await self._load()
        if self.router.url.query_parameters.get("bound"):
            return [notify("personal.bound"), set_query("")]
        return None

    async def _load(self) -> None:
        own = await self._read(accounts.read_self)
        self.email, self.github_login = own.email, own.github_id
        self.bound = {name: bool(getattr(own, provider.column)) for name, provider in ALL.items()}
        self.has_some = bool(own.email) or any(self.bound.values())

    @rx.event
    def ask_unbind(self, provider: str) -> None:
        self.doomed = provider if provider in ALL else ""

    @rx.event
    def keep(self, open: bool) -> None:
        """The dialog asks to be closed."""
        if not open:
            self.doomed = ""

    @rx.event
    async def unbind(self) -> Any:
        provider, self.doomed = self.doomed, ""
        try:
            await self._call(third_party.unbind, provider=provider)
        except Conflict as error:
            return notify_error(error)
        await self._load()
        return notify("personal.unbound")
