"""One transaction per unit of work, its events after the commit, and nothing of it on the event loop."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlmodel import select

from oneapi_app.events import OptionsChanged
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models import Option, User


def save(uow: UnitOfWork, key: str, value: str, *, fail: bool = False) -> str:
    uow.session.add(Option(key=key, value=value))
    uow.publish(OptionsChanged((key,)))
    if fail:
        raise ValueError("no")
    return value


def saved(uow: UnitOfWork) -> dict[str, str | None]:
    return {option.key: option.value for option in uow.session.exec(select(Option))}


async def test_what_is_committed_is_told_once(database: Database) -> None:
    told: list[object] = []

    async def subscriber(events) -> None:
        assert await database.read(saved) == {"a": "1"}, "told after the commit"
        told.extend(events)

    database.subscribe(subscriber)
    assert await database.run(save, "a", "1") == "1"
    assert told == [OptionsChanged(("a",))]
    with pytest.raises(ValueError, match="no"):
        await database.run(save, "b", "2", fail=True)
    assert told == [OptionsChanged(("a",))]
    assert await database.read(saved) == {"a": "1"}


async def test_reading_leaves_nothing_behind(database: Database) -> None:
    await database.read(save, "a", "1")
    assert await database.read(saved) == {}


async def test_work_runs_outside_the_loop(database: Database) -> None:
    loop_thread = threading.current_thread()
    assert await database.run(lambda uow: threading.current_thread()) is not loop_thread
    assert await database.read(lambda uow: threading.current_thread()) is not loop_thread


async def test_a_cancelled_caller_does_not_undo(database: Database) -> None:
    begun = threading.Event()
    go_on = threading.Event()

    def slow(uow: UnitOfWork) -> None:
        begun.set()
        go_on.wait(10)
        save(uow, "a", "1")

    caller = asyncio.create_task(database.run(slow))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await database.close()
    assert database.read_sync(saved) == {"a": "1"}


def test_counting_from_many_threads_loses_nothing(database: Database) -> None:
    """Whatever the engine answers to writers in each other's way, each unit of work counts once."""

    def add_users(uow: UnitOfWork) -> None:
        for name in ("a", "b"):
            uow.session.add(User(username=name, password="", access_token=name, aff_code=name, quota=0))

    database.run_sync(add_users)

    def count(uow: UnitOfWork, order: list[str]) -> None:
        for name in order:  # two orders: deadlocks are meant
            uow.session.execute(
                text("UPDATE users SET quota = quota + 1 WHERE username = :name"), {"name": name}
            )

    orders = [["a", "b"], ["b", "a"]] * 15
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda order: database.run_sync(count, order), orders))
    quotas = database.read_sync(lambda uow: list(uow.session.exec(select(User.quota))))
    assert quotas == [30, 30]


def test_readers_are_not_held_up_by_the_writer(database: Database) -> None:
    database.run_sync(save, "a", "1")

    def write_while_reading(uow: UnitOfWork) -> dict[str, str | None]:
        save(uow, "b", "2")
        uow.session.flush()
        return database.read_sync(saved)

    assert database.run_sync(write_while_reading) == {"a": "1"}
    assert database.read_sync(saved) == {"a": "1", "b": "2"}
