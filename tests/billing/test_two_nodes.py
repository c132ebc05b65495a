"""Two real gateways on one database and one Redis share one token; one is killed with -9 under load, and every unit is found."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, text

from oneapi_app.kit.database import Database, open_database
from oneapi_app.models import Token, User
from oneapi_app.settings import Settings
from tests.billing.seeds import books
from tests.nodes.pair import ACCESS, GatewayNode, gateway_node, soon
from tests.support.databases import SERVERS
from tests.support.gateway import gateway_process
from tests.support.vendor import COMPLETION_TOKENS, PROMPT_TOKENS, openai_vendor

pytestmark = [pytest.mark.needs_redis]

PRICE = (PROMPT_TOKENS + 4 * COMPLETION_TOKENS) * 5 // 2
"""Of one answer of gpt-4o."""
REQUESTS = 2000
KILL_AFTER = 700
RESTART_AFTER = 900
UNTIL_RESTARTED = 1100
CLIENTS = 24
PATIENCE_S = 20.0
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


@dataclass
class Tally:
    """What clients were told. ``unclear``: the connection broke, so it may or may not have been billed."""

    delivered: int = 0
    refused: int = 0
    unclear: int = 0
    statuses: set[int] = field(default_factory=set[int])

    @property
    def ended(self) -> int:
        return self.delivered + self.refused + self.unclear


async def ask(client: httpx.AsyncClient, url: str, key: str, tally: Tally) -> bool:
    """False where nobody listens."""
    try:
        answer = await client.post(
            f"{url}/v1/chat/completions", json=CHAT, headers={"authorization": f"Bearer sk-{key}"}
        )
    except httpx.ConnectError:
        return False
    except httpx.HTTPError:
        tally.unclear += 1
    else:
        tally.statuses.add(answer.status_code)
        if answer.status_code == 200:
            tally.delivered += 1
        else:
            tally.refused += 1
    return True


async def ask_at_once(urls: list[str], key: str, count: int) -> Tally:
    tally = Tally()
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=count)) as client:
        await asyncio.gather(*(ask(client, urls[n % len(urls)], key, tally) for n in range(count)))
    return tally


class Load:
    """Requests through both nodes, ``CLIENTS`` at a time; while one is down, all go to the other."""

    def __init__(self, urls: list[str], key: str) -> None:
        self.urls = urls
        self.key = key
        self.tally = Tally()
        self._left = 0
        self._moved = asyncio.Event()

    async def reached(self, count: int) -> None:
        while self.tally.ended < count:
            self._moved.clear()
            await self._moved.wait()

    async def run(self, count: int) -> None:
        self._left = count
        async with httpx.AsyncClient(timeout=60) as client:
            await asyncio.gather(*(self._client(client, number) for number in range(CLIENTS)))

    async def _client(self, client: httpx.AsyncClient, number: int) -> None:
        while self._left:
            self._left -= 1
            while not await ask(client, self.urls[number % 2], self.key, self.tally):
                number += 1
            self._moved.set()


@pytest.fixture
def database(database_settings: Settings) -> Iterator[Database]:
    opened = open_database(database_settings)
    yield opened
    opened.close_sync()


@pytest.mark.engines(*SERVERS, because="a SQLite file has one process")
async def test_every_unit_is_found(
    database_settings: Settings, database: Database, redis_url: str, tmp_path: Path
) -> None:
    environment = {"REDIS_CONN_STRING": redis_url}
    with contextlib.ExitStack() as stack:
        vendor = stack.enter_context(openai_vendor())
        one = stack.enter_context(gateway_node(tmp_path / "one", database_settings, **environment))
        two = stack.enter_context(gateway_node(tmp_path / "two", database_settings, **environment))
        for node in (one, two):
            await asyncio.to_thread(soon, lambda node=node: node.status()["redis"], "connected", 10)
        channel = {"name": "c", "key": "k", "models": "gpt-4o", "group": "default", "base_url": vendor}
        one.change("POST", "/api/channel/", type=1, **channel)
        before = database.read_sync(lambda uow: uow.session.get(User, 1).quota)
        granted = await asyncio.to_thread(_spent_and_filled_up, one, two)
        granted += await _one_request_for_many(one, two)
        plenty = REQUESTS * PRICE * 3 // 4
        key = one.new_token("many", unlimited_quota=False, remain_quota=plenty)["key"]
        granted += plenty
        load = Load([one.url, two.url], key)
        running = asyncio.create_task(load.run(UNTIL_RESTARTED))
        await load.reached(KILL_AFTER)
        one.process.send_signal(signal.SIGKILL)
        await load.reached(RESTART_AFTER)
        again = gateway_process(
            tmp_path / "one",
            database_settings,
            INITIAL_ROOT_ACCESS_TOKEN=ACCESS,
            **environment,
        )
        url, third = await asyncio.to_thread(stack.enter_context, again)
        await running
        load.urls[0] = url
        await load.run(REQUESTS - UNTIL_RESTARTED)
        tally = load.tally
        for process in (two.process, third):
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0

    now = books(database)
    others = 3 * PRICE
    assert tally.delivered * PRICE <= now.consumed - others <= (tally.delivered + tally.unclear) * PRICE
    assert tally.ended == REQUESTS
    assert tally.statuses == {200, 403}
    left = plenty - tally.delivered * PRICE
    assert left < 2 * 1270 + tally.unclear * PRICE, "what the dead node had leased could be spent, too"
    assert now.consumed == before - database.read_sync(lambda uow: uow.session.get(User, 1).quota)
    assert now.consumed == granted - now.token_remain
    assert database.read_sync(_lowest_token) >= 0
    assert now.cursors == 0
    assert database.read_sync(_leases) == 0


def _spent_and_filled_up(one: GatewayNode, two: GatewayNode) -> int:
    """A token without quota gets its status on the node that is asked, and serves on both once it has some."""
    token = one.new_token("spent", unlimited_quota=False, remain_quota=0)
    assert [node.ask(token["key"]) for node in (one, two)] == [401, 401]
    soon(lambda: two.change("GET", f"/api/token/{token['id']}")["status"], 4)
    two.change("PUT", "/api/token/", id=token["id"], name="filled up", expired_time=-1, remain_quota=5000)
    two.change("PUT", "/api/token/?status_only=true", id=token["id"], status=1)
    for node in (one, two):
        soon(lambda node=node: node.ask(token["key"]), 200)
    return 5000


async def _one_request_for_many(one: GatewayNode, two: GatewayNode) -> int:
    """200 at once on both nodes with a token that covers one of them; returns its quota."""
    quota = 1270 + PRICE - 1  # 1270 are set aside for a request, of which the answer takes PRICE
    token = one.new_token("one request", unlimited_quota=False, remain_quota=quota)
    tally = await ask_at_once([one.url, two.url], token["key"], 200)
    assert (tally.delivered, tally.statuses) == (1, {200, 403})
    return quota


def _lowest_token(uow) -> int:
    return uow.session.execute(select(func.min(Token.remain_quota))).scalar_one()


def _leases(uow) -> int:
    return uow.session.execute(text("SELECT count(*) FROM oneapi_account_leases")).scalar_one()
