"""A small site in this process: people of every role, somebody else's things, and clients that call its API.

Everything secret in it is in ``SECRETS`` and looks like nothing else, so that it can be searched for.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from oneapi_app.accounts.sessions import open_session
from oneapi_app.actor import ADMIN, COMMON, ROOT
from oneapi_app.kit.database import Database, UnitOfWork, open_database
from oneapi_app.kit.passwords import hash_password
from oneapi_app.migration import tables_of
from oneapi_app.models import Ability, Channel, Log, Option, Redemption, Token, User
from oneapi_app.models.user import DELETED, DISABLED
from oneapi_app.options import OPTIONS
from oneapi_app.rest.app import create_api
from oneapi_app.rest.front import Front
from oneapi_app.runtime import Runtime, open_runtime
from oneapi_app.settings import Settings

PASSWORD = "correct horse 1"
_HASH = hash_password(PASSWORD)
_INITIAL_HASH = hash_password("123456")

PEOPLE: dict[str, tuple[int, int]] = {
    "root": (ROOT, 1),
    "admin": (ADMIN, 1),
    "admin2": (ADMIN, 1),
    "user": (COMMON, 1),
    "user2": (COMMON, 1),
    "disabled": (COMMON, DISABLED),
    "deleted": (COMMON, DELETED),
    "fresh_root": (ROOT, 1),
}
"""Name -> role and status. ``fresh_root`` still has the initial password."""
NUMBER = {name: number for number, name in enumerate(PEOPLE, 1)}
"""Name -> id of the user, of their one token, log row, and code."""
CHANNEL = 1
CHANNEL_KEY = "channel-key-planted-0001"
OPTION_SECRET = "option-secret-planted"


def access_token(name: str) -> str:
    return f"access-planted-{name}".ljust(32, "x")


def token_key(name: str) -> str:
    return f"keyplanted{name.replace('_', '')}".ljust(48, "z")


SECRETS = {
    CHANNEL_KEY,
    OPTION_SECRET,
    _HASH,
    _INITIAL_HASH,
    *(access_token(name) for name in PEOPLE),
}
"""What leaves in no answer. Token keys and codes are apart: those who own or manage them see them."""

IN_PASSING = {
    "oneapi_sessions",
    "oneapi_usage_hours",
    "oneapi_usage_marks",
    "oneapi_usage_totals",
    "oneapi_duties",
    "oneapi_ledger_cursors",
}
"""Tables that change without a call: when a session was last seen, sums of the log, who does what, who is alive."""


@dataclass
class Site:
    """``api`` has the routes, ``app`` is the whole of what is behind ``/api``."""

    runtime: Runtime
    api: FastAPI
    app: Any
    cookies: dict[str, str]
    _clients: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.runtime.database

    def client(self, who: str, by: str = "token") -> httpx.AsyncClient:
        """Of somebody in ``PEOPLE``, by access token or by cookie; "" is nobody."""
        if (who, by) not in self._clients:
            headers: dict[str, str] = {}
            if who:
                headers = (
                    {"authorization": access_token(who)}
                    if by == "token"
                    else {"cookie": f"session={self.cookies[who]}"}
                )
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            self._clients[who, by] = httpx.AsyncClient(
                transport=transport, base_url="http://site.test", headers=headers
            )
        return self._clients[who, by]

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    def dump(self, *, but: Iterable[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        with self.database.engine.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
                for table in tables_of()
                if table.name not in but
            }


@contextlib.asynccontextmanager
async def open_site(settings: Settings, directory: Path, **more: Any) -> AsyncIterator[Site]:
    """Seeds the empty, migrated database of the settings; ``directory`` is for the ledger's journal, ``more`` other settings."""
    settings = replace(
        settings, **{"data_dir": str(directory), "api_rate_limit": 0, "critical_rate_limit": 0} | more
    )
    database = open_database(settings)
    cookies = database.run_sync(_seed)
    runtime = open_runtime(settings, database)
    async with runtime.running():
        api = create_api(runtime)
        site = Site(runtime, api, Front(api, runtime), cookies)
        try:
            yield site
        finally:
            await site.aclose()


def _seed(uow: UnitOfWork) -> dict[str, str]:
    for name, (role, status) in PEOPLE.items():
        uow.session.add(
            User(
                username=name,
                password=_INITIAL_HASH if name == "fresh_root" else _HASH,
                display_name=name,
                role=role,
                status=status,
                email=f"{name}@example.com",
                access_token=access_token(name),
                aff_code=name[:8] + name[-1],
                quota=1_000_000,
                group="default",
            )
        )
        uow.session.flush()
    for name, number in NUMBER.items():
        uow.session.add(
            Token(user_id=number, key=token_key(name), name=f"of {name}", status=1, unlimited_quota=True)
        )
        uow.session.add(
            Log(user_id=number, username=name, type=2, created_at=1000 + number, content=f"log of {name}")
        )
        uow.session.add(
            Redemption(user_id=NUMBER["admin"], key=f"{number:032d}", name=f"code {number}", quota=5)
        )
        uow.session.flush()
    channel = Channel(type=1, key=CHANNEL_KEY, name="one", models="m", base_url="http://127.0.0.1:9")
    uow.session.add(channel)
    uow.session.flush()
    assert channel.id == CHANNEL
    uow.session.add(Ability(group="default", model="m", channel_id=CHANNEL, enabled=True, priority=0))
    for option in OPTIONS.values():
        if option.secret:
            uow.session.add(Option(key=option.name, value=OPTION_SECRET))
    return {name: open_session(uow, number) for name, number in NUMBER.items()}
