"""Two runtimes on one database and one Redis: unknown keys, reads that overtake each other, changes not followed at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oneapi_app.actor import ROOT
from oneapi_app.events import OptionsChanged, TokenChanged
from oneapi_app.kit.database import Database, UnitOfWork, open_database
from oneapi_app.models import Option, Token
from oneapi_app.nodes import memory as memory_module
from oneapi_app.runtime import Runtime, open_runtime
from oneapi_app.settings import Settings
from oneapi_app.system import service as system
from tests.support.databases import SERVERS
from tests.support.people import add_user


async def becomes(holds: Callable[[], Any], within_s: float = 1.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def node(settings: Settings, directory: Path, redis_url: str = "") -> AsyncIterator[Runtime]:
    changes = {"data_dir": str(directory), "redis_url": redis_url}
    settings = replace(settings, **changes)
    runtime = open_runtime(settings, open_database(settings))
    async with runtime.running():
        if redis_url:
            await becomes(lambda: runtime.node.is_connected, 5)
        yield runtime


@pytest.mark.needs_redis
@pytest.mark.engines(*SERVERS, because="a SQLite file has one process")
async def test_a_key_asked_for_before_it_was_there(
    database: Database, database_settings: Settings, redis_url: str, tmp_path: Path
):
    owner = add_user(database, "owner", quota=1_000)
    key = "k" * 48

    def create(uow: UnitOfWork) -> None:
        token = Token(user_id=owner.user_id, key=key, name="late", status=1, unlimited_quota=True)
        uow.session.add(token)
        uow.session.flush()
        uow.publish(TokenChanged(token.id or 0, key))

    async with (
        node(database_settings, tmp_path / "a", redis_url) as a,
        node(database_settings, tmp_path / "b", redis_url) as b,
    ):
        assert await b.context.callers.find(key) is None
        await a.database.run(create)
        async with asyncio.timeout(1):
            while (found := await b.context.callers.find(key)) is None:
                await asyncio.sleep(0.01)
        assert found.token_name == "late"


async def test_a_failure_to_follow_is_made_good(
    database: Database, database_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory_module, "POLL_S", 0.05)
    root = add_user(database, "root", role=ROOT)
    async with node(database_settings, tmp_path) as runtime:
        database.run_sync(system.save_option, root, name="SystemName", value="New")
        with runtime.database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE options RENAME TO away")
        await runtime.node.memory.on_foreign_events([OptionsChanged(("SystemName",))])
        assert runtime.options.system_name != "New"
        with runtime.database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO options")
        await becomes(lambda: runtime.options.system_name == "New")


async def test_of_overlapping_loads_the_later_one_counts(
    database: Database, database_settings: Settings, tmp_path: Path
):
    """Thirty changes at once, each followed by a load; threads end in any order."""
    async with node(database_settings, tmp_path) as runtime:

        def save(uow: UnitOfWork, value: str) -> None:
            uow.session.merge(Option(key="SystemName", value=value))
            uow.publish(OptionsChanged(("SystemName",)))

        await runtime.database.run(save, "there")  # two inserts at once would be refused
        await asyncio.gather(*(runtime.database.run(save, str(number)) for number in range(30)))
        stored = database.read_sync(system.load_option_values).system_name
        assert runtime.options.system_name == stored
