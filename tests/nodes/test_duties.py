"""One node of several does a piece of periodic work; two Database objects are two nodes."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlmodel import col, select, update

from oneapi_app.kit.database import Database, UnitOfWork, open_database
from oneapi_app.models import Duty
from oneapi_app.nodes.duties import LEASE_S, RENEW_S, Duties
from oneapi_app.settings import Settings


class Stopwatch:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def other_database(database_settings: Settings) -> Iterator[Database]:
    opened = open_database(database_settings)
    yield opened
    opened.close_sync()


def expire(uow: UnitOfWork, by_s: int) -> None:
    """As if that much time had passed for the database."""
    uow.session.exec(update(Duty).values(expires_at=col(Duty.expires_at) - by_s))


async def test_one_of_two_and_then_the_other(database: Database, other_database: Database):
    watch = Stopwatch()
    first = Duties(database, "first", is_master=True, clock=watch)
    second = Duties(other_database, "second", is_master=True, clock=watch)
    first_does, second_does = first.apply_for("work"), second.apply_for("work")
    assert not first_does()
    await first.renew()
    await second.renew()
    assert (first_does(), second_does()) == (True, False)

    watch.now += RENEW_S
    database.run_sync(expire, int(RENEW_S))
    await first.renew()
    watch.now += LEASE_S - RENEW_S
    database.run_sync(expire, int(LEASE_S - RENEW_S))
    await second.renew()
    assert (first_does(), second_does()) == (True, False), "renewed, so not to be taken"

    watch.now += RENEW_S
    database.run_sync(expire, int(RENEW_S))
    assert not first_does(), "it has died or cannot reach the database: it stops before another begins"
    await second.renew()
    await first.renew()
    assert (first_does(), second_does()) == (False, True)

    await second.resign()
    assert not second_does()
    await first.renew()
    assert first_does(), "nobody waits for a lease that was given up"


async def test_all_at_once_from_nothing(database: Database, other_database: Database):
    nodes = [
        Duties(database, f"node {number}", is_master=True)
        for number, database in enumerate([database, other_database] * 4)
    ]
    doing = [node.apply_for("work") for node in nodes]
    await asyncio.gather(*(node.renew() for node in nodes))
    assert [does() for does in doing].count(True) == 1


async def test_each_duty_has_its_own_holder(database: Database, other_database: Database):
    first = Duties(database, "first", is_master=True)
    second = Duties(other_database, "second", is_master=True)
    tests = first.apply_for("channel tests")
    upkeep = first.apply_for("upkeep"), second.apply_for("upkeep")
    await second.renew()
    await first.renew()
    assert tests()
    assert [does() for does in upkeep] == [False, True]


async def test_slaves_never(database: Database):
    slave = Duties(database, "slave", is_master=False)
    does = slave.apply_for("work")
    await slave.renew()
    assert not does()
    assert database.read_sync(lambda uow: uow.session.exec(select(Duty)).all()) == []


async def test_the_database_tells_the_time(database: Database, monkeypatch: pytest.MonkeyPatch):
    """A node whose clock is an hour ahead takes nothing from one that is right."""
    first = Duties(database, "first", is_master=True)
    ahead = Duties(database, "ahead", is_master=True)
    does, ahead_does = first.apply_for("work"), ahead.apply_for("work")
    await first.renew()
    monkeypatch.setattr("time.time", lambda: 9_999_999_999.0)
    await ahead.renew()
    assert (does(), ahead_does()) == (True, False)


async def test_a_database_that_fails_takes_nothing_away_at_once(database: Database):
    watch = Stopwatch()
    duties = Duties(database, "node", is_master=True, clock=watch)
    does = duties.apply_for("work")
    await duties.renew()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE oneapi_duties RENAME TO gone")
    watch.now += RENEW_S
    await duties.renew()
    assert does()
    watch.now += LEASE_S
    await duties.renew()
    assert not does()
