"""Token records in memory: how old one may be, and what happens to reads that a change overtakes."""

import asyncio
from types import SimpleNamespace
from typing import Any

from oneapi_app.relay.callers import FRESH_S, PATIENCE_S, STALE, UNKNOWN_S, Callers


class Tokens:
    """The database's side: what is stored, how often it was asked; ``hold`` keeps answers back until set."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked = 0
        self.failing = False
        self.hold = asyncio.Event()
        self.hold.set()
        self.stored: dict[str, Any] = {"k": self.record(1)}
        self.callers = Callers(self.load, lambda: self.now)

    @staticmethod
    def record(version: int) -> Any:
        return SimpleNamespace(user_id=7, token_id=3, version=version)

    async def load(self, key: str) -> Any:
        self.asked += 1
        found = self.stored.get(key)
        await self.hold.wait()
        if self.failing:
            raise ConnectionError
        return found

    async def version(self, key: str = "k") -> int | None:
        found: Any = await self.callers.find(key)
        return None if found is None else found.version


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_fresh_ageing_and_stale():
    tokens = Tokens()
    assert await tokens.version() == 1
    tokens.stored["k"] = tokens.record(2)
    tokens.now += FRESH_S
    assert await tokens.version() == 1
    assert tokens.asked == 1
    tokens.now += 1
    assert await tokens.version() == 1, "served as it is, read behind the caller's back"
    await settle()
    assert await tokens.version() == 2
    tokens.stored["k"] = tokens.record(3)
    tokens.now += FRESH_S * STALE + 1
    assert await tokens.version() == 3, "too old to be served unread"


async def test_a_deleted_token_unused_for_long():
    tokens = Tokens()
    await tokens.version()
    del tokens.stored["k"]
    tokens.now += 3600
    assert await tokens.version() is None


async def test_freshness_can_be_tightened():
    tokens = Tokens()
    await tokens.version()
    tokens.callers.fresh_s = 2
    tokens.stored["k"] = tokens.record(2)
    tokens.now += 2 * STALE + 1
    assert await tokens.version() == 2


async def test_calls_go_on_while_the_database_fails():
    tokens = Tokens()
    await tokens.version()
    tokens.failing = True
    tokens.now += 3600
    assert await tokens.version() == 1
    tokens.stored["k"] = tokens.record(2)
    tokens.failing = False
    tokens.now += 3600
    assert await tokens.version() == 2


async def test_calls_go_on_while_the_database_hangs():
    tokens = Tokens()
    await tokens.version()
    tokens.hold.clear()
    tokens.now += 3600
    assert await asyncio.wait_for(tokens.version(), PATIENCE_S + 1) == 1
    tokens.now += PATIENCE_S
    assert await asyncio.wait_for(tokens.version(), 0.5) == 1, "one has waited, the next ones need not"
    assert tokens.asked == 2
    tokens.hold.set()


async def test_unknown_keys_are_believed_unknown_until_one_is_created():
    tokens = Tokens()
    assert await tokens.version("new") is None
    tokens.stored["new"] = tokens.record(1)
    assert await tokens.version("new") is None
    assert tokens.asked == 1
    tokens.callers.forget_key("new")
    assert await tokens.version("new") == 1
    assert await tokens.version("other") is None
    tokens.stored["other"] = tokens.record(1)
    tokens.now += UNKNOWN_S + 1
    assert await tokens.version("other") == 1


async def test_a_read_that_a_change_overtakes_is_not_remembered():
    """The read saw the old row, and ends after everybody has been told of the new one."""
    for forget in (lambda c: c.forget_key("k"), lambda c: c.forget_user(7), lambda c: c.forget_all()):
        tokens = Tokens()
        tokens.hold.clear()
        reading = asyncio.create_task(tokens.version())
        await settle()
        tokens.stored["k"] = tokens.record(2)
        forget(tokens.callers)
        tokens.hold.set()
        assert await reading == 1
        assert await tokens.version() == 2


async def test_forgetting():
    tokens = Tokens()
    await tokens.version()
    tokens.stored["k"] = tokens.record(2)
    tokens.callers.forget_user(8)
    assert await tokens.version() == 1
    tokens.callers.forget_user(7)
    assert await tokens.version() == 2
    tokens.stored["k"] = tokens.record(3)
    await tokens.version("x")
    tokens.stored["x"] = tokens.record(1)
    tokens.callers.forget_all()
    assert (await tokens.version(), await tokens.version("x")) == (3, 1)
