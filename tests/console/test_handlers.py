"""Every handler of every page, called for real, as anybody with a socket could: as nobody, and as a common user.

``test_pages`` reads the code; here it runs. Reflex itself says which handlers there are, so none is forgotten.
"""

import asyncio
import inspect
import typing
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from reflex.istate.data import RouterData
from reflex.state import BaseState, State

from oneapi_app.accounts.sessions import open_session
from oneapi_app.console.page import load_pages
from oneapi_app.errors import AppError, Forbidden, Unauthenticated
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.models import User
from tests.support.site import CHANNEL_KEY, IN_PASSING, NUMBER, SECRETS, Site, open_site, token_key

OF_REFLEX = {"setvar"}
"""Lets a browser set its own state's vars, so a handler may trust none of them."""
PUBLIC_STATES = {"PublicState"}
OTHERS = SECRETS | {
    token_key("user2"),
    CHANNEL_KEY,
    "user2@example.com",
    "root@example.com",
    "http://127.0.0.1:9",
}
LIMIT_S = 20.0


def states(of: type[BaseState] = State) -> Iterator[type[BaseState]]:
    for state in of.get_substates():
        if state.__module__.startswith("oneapi_app"):
            yield state
        yield from states(state)


load_pages()
HANDLERS = sorted(
    (
        (state, name)
        for state in states()
        if state.__name__ not in PUBLIC_STATES
        for name in state.event_handlers
        if name not in OF_REFLEX
    ),
    key=lambda found: (found[0].__name__, found[1]),
)


@pytest.fixture(scope="module")
def runner(databases) -> Iterator[asyncio.Runner]:
    """One per site: what a site does by itself would inherit from an earlier one's calls that it was called."""
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(runner, databases, tmp_path_factory) -> Iterator[Site]:
    with databases.fresh() as settings:
        opened = open_site(settings, tmp_path_factory.mktemp("journal"), relay_proxy="http://127.0.0.1:9")
        yield runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


def made_up(kind: Any) -> Any:
    """An argument a browser might send, pointing at somebody else's things where it points at all."""
    if kind is int:
        return NUMBER["user2"]
    if kind is bool:
        return True
    if typing.get_origin(kind) is dict or kind is dict:
        texts = dict.fromkeys(("username", "name", "reason", "model", "keyword"), "user2")
        numbers = dict.fromkeys(("amount", "quota", "count", "id", "days"), "5")
        return {**texts, **numbers, "password": "made up 123", "email": "x@example.com", "key": "k"}
    if typing.get_origin(kind) is list or kind is list:
        return [NUMBER["user2"]]
    return "user2"


def arguments(function: Callable[..., Any]) -> list[Any]:
    hints = typing.get_type_hints(function)
    names = list(inspect.signature(function).parameters)[1:]
    return [made_up(hints.get(name, str)) for name in names]


async def call(site: Site, state_class: type[BaseState], name: str, cookie: str) -> tuple[BaseState, Any]:
    """The state afterwards, and what was raised, if anything was."""
    _called.set(True)
    state = state_class()
    headers = {"cookie": f"session={cookie}", "host": "site.test", "origin": "http://site.test"}
    state.router = RouterData.from_router_data({"headers": headers, "ip": "127.0.0.1", "pathname": "/"})
    function = state_class.event_handlers[name].fn
    try:
        async with asyncio.timeout(LIMIT_S):
            result = function(state, *arguments(function))
            if inspect.isasyncgen(result):
                async for _ in result:
                    pass
            elif inspect.isawaitable(result):
                await result
            elif inspect.isgenerator(result):
                list(result)
    except Exception as error:
        return state, error
    return state, None


_called: ContextVar[bool] = ContextVar("called", default=False)
"""True in a handler and in what it starts; the site's own background work goes on beside it."""


class Spied:
    """The functions that handlers ran in the database, to their end, while it watched."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.functions: set[str] = set()
        for how in ("run", "read"):
            real = getattr(site.database, how)

            async def passing(function, *args, _real=real, **kwargs):
                result = await _real(function, *args, **kwargs)
                if _called.get():
                    self.functions.add(function.__name__)
                return result

            monkeypatch.setattr(site.database, how, passing)


NOBODY_MAY = {"actor_for_cookie"}
"""What runs in the database before anybody is known."""
IDS = [f"{state.__name__}.{name}" for state, name in HANDLERS]


def held(state: BaseState) -> str:
    return repr({name: getattr(state, name) for name in type(state).base_vars})


@pytest.mark.parametrize(("state_class", "name"), HANDLERS, ids=IDS)
def test_as_nobody(runner, site, monkeypatch, state_class, name):
    spied = Spied(site, monkeypatch)
    before = site.dump(but=IN_PASSING)
    state, error = runner.run(call(site, state_class, name, "made-up"))
    assert site.dump(but=IN_PASSING) == before
    assert spied.functions <= NOBODY_MAY
    assert error is None or isinstance(error, AppError), repr(error)
    assert not [secret for secret in OTHERS if secret in held(state)]


def sign_in(uow: UnitOfWork) -> str:
    """The user as they were, whatever they did to themselves; their cookie."""
    user = uow.session.get(User, NUMBER["user"])
    assert user is not None
    user.username, user.role, user.status = "user", 1, 1
    return open_session(uow, NUMBER["user"])


def of_others(dump: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Without what is the user's own to change."""
    own = NUMBER["user"]
    mine = {"tokens": 1, "logs": 1, "users": 0, "oneapi_usage_hours": 1}
    return {
        table: [row for row in rows if table not in mine or own != row[mine[table]]]
        for table, rows in dump.items()
    }


@pytest.mark.parametrize(("state_class", "name"), HANDLERS, ids=IDS)
def test_as_a_user(runner, site, state_class, name):
    cookie = site.database.run_sync(sign_in)
    before = of_others(site.dump(but=IN_PASSING))
    state, error = runner.run(call(site, state_class, name, cookie))
    assert of_others(site.dump(but=IN_PASSING)) == before
    assert error is None or isinstance(error, AppError), repr(error)
    assert not isinstance(error, Unauthenticated)
    assert not [secret for secret in OTHERS if secret in held(state)]


def test_what_is_for_admins_refuses_users(runner, site):
    """The other way round: of pages for admins, nothing but the viewer's own browser answers a user."""
    cookie = site.database.run_sync(sign_in)
    found = dict(zip(IDS, HANDLERS, strict=True))
    for title in (
        "ChannelsState.refresh",
        "UsersState.refresh",
        "RedemptionsState.refresh",
        "PriceState.open",
    ):
        assert isinstance(runner.run(call(site, *found[title], cookie))[1], Forbidden), title


def test_there_are_handlers():
    assert len(HANDLERS) > 150
