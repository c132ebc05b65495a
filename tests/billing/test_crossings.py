"""When a balance falls below the limit, or to nothing: once, by whichever batch did it."""

import asyncio
from pathlib import Path

import pytest

from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.lease import USER, Share
from oneapi_app.billing.ledger import Ledger
from oneapi_app.billing.ledger.crossings import Crossing, crossings
from oneapi_app.kit.database import Database
from oneapi_app.models import User
from tests.billing.seeds import charge, seed
from tests.support.databases import SERVERS


@pytest.mark.parametrize(
    ("before", "units", "crosses"),
    [
        (2000, 500, False),
        (1500, 500, False),  # exactly at the limit is not below it
        (1499, 500, True),
        (1000, 1, True),
        (999, 1, False),  # below it already
        (999, 999, True),  # used up
        (5000, 5000, True),  # both at once
        (0, 0, False),
        (-5, 1, False),
        (3, 0, False),
    ],
)
def test_a_balance(before: int, units: int, crosses: bool):
    after = before - units
    found = list(crossings(Batch(users={7: [units, 1]}), BalancesRead(users={7: after}), 1000))
    assert found == ([Crossing(7, after)] if crosses else [])


def test_a_limit_of_zero_only_tells_of_the_end():
    batch = Batch(users={1: [10, 1], 2: [10, 1]})
    assert list(crossings(batch, BalancesRead(users={1: 5, 2: 0}), 0)) == [Crossing(2, 0)]


def test_several_users_in_a_batch_and_others_that_were_only_read():
    batch = Batch(users={1: [10, 1], 2: [10, 3], 3: [10, 1]})
    found = BalancesRead(users={1: 995, 2: 2000, 3: 999, 4: 1})
    assert [each.user_id for each in crossings(batch, found, 1000)] == [1, 3]


def test_a_batch_whose_balances_nobody_read():
    assert list(crossings(Batch(users={1: [10, 1]}), BalancesRead(), 1000)) == []


def test_the_whole_balance_counts_not_the_part_leased():
    batch = Batch(users={1: [10, 1]})
    plenty = BalancesRead(users={1: 50}, shares={(USER, 1): Share(5000, 0)})
    little = BalancesRead(users={1: 50}, shares={(USER, 1): Share(995, 900)})
    assert list(crossings(batch, plenty, 1000)) == []
    assert list(crossings(batch, little, 1000)) == [Crossing(1, 995)]


async def open_watched(database: Database, directory: Path, told: list[Crossing]) -> Ledger:
    made = Ledger(database, directory / "ledger", batch_ms=1, fsync=False)
    made.watch(lambda batch, found: told.extend(crossings(batch, found, 900)))
    await made.start()
    await made.open_account(1, 1)
    return made


async def spend(ledger: Ledger, times: int) -> None:
    for _ in range(times):
        await ledger.settle(await ledger.obtain(1, 1, 10), charge(10))
        await ledger.flushed()


async def test_one_process_tells_of_each_crossing_once(database: Database, tmp_path: Path):
    seed(database, quota=1000, unlimited=True)
    told: list[Crossing] = []
    ledger = await open_watched(database, tmp_path, told)
    await spend(ledger, 100)
    assert told == [Crossing(1, 890), Crossing(1, 0)]
    database.run_sync(lambda uow: setattr(uow.session.get(User, 1), "quota", 905))
    await ledger.refresh(1, None)
    await spend(ledger, 2)
    assert told[2:] == [Crossing(1, 895)], "again, after a top-up"
    await ledger.stop()


@pytest.mark.engines(*SERVERS, because="a SQLite file has one process")
async def test_of_two_nodes_one_tells(database: Database, tmp_path: Path):
    seed(database, quota=1000, unlimited=True)
    told: list[Crossing] = []
    nodes = [await open_watched(database, tmp_path, told) for _ in range(2)]
    for node, other in (nodes, reversed(nodes)):
        node.ask_through(lambda user, token, other=other: other.give_back(user, token) is None)
    await asyncio.gather(*(spend(node, 20) for node in nodes))
    assert len(told) == 1 and 800 <= told[0].balance < 900
    await asyncio.gather(*(node.stop() for node in nodes))
