"""Several nodes on one database: each spends from its leases, and together never more than there is."""

import asyncio
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from oneapi_app.billing.errors import JournalUnavailable, TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.billing.lease import TOKEN, USER, LeaseChange, granted
from oneapi_app.billing.ledger import Ledger, leases
from oneapi_app.models import Token, User
from tests.billing.seeds import books, charge, seed
from tests.billing.test_ledger import crash
from tests.support.databases import SERVERS

on_servers = pytest.mark.engines(*SERVERS, because="a SQLite file has one process")


@given(
    least=st.integers(-50, 1000),
    more=st.integers(0, 1000),
    margin=st.integers(0, 10**9),
    free=st.integers(-1000, 5000),
    others=st.integers(0, 5),
)
def test_what_is_granted(least, more, margin, free, others):
    most = least + more
    units = granted(LeaseChange((USER, 1), 0, least, most, margin), free, others)
    assert 0 <= units <= max(0, free)
    if free >= max(least, 1):
        assert units >= min(free, max(most, 0)), "what is needed is taken, if it is there"
        assert units - max(0, min(free, most)) <= margin
    else:
        assert units == 0
    if others and units > most >= 0:
        assert units - most <= (free - most) / 2, "something is left for the others"


class Nodes:
    """Ledgers on one database. ``linked``: they can ask each other, as over Redis."""

    def __init__(self, database, directory, *, count: int = 2, linked: bool = True) -> None:
        self._database = database
        self._directory = directory
        self._count = count
        self._linked = linked
        self.ledgers: list[Ledger] = []

    async def __aenter__(self) -> list[Ledger]:
        for number in range(self._count):
            ledger = Ledger(self._database, self._directory / str(number), batch_ms=5, fsync=False)
            await ledger.start()
            self.ledgers.append(ledger)
        if self._linked:
            for ledger in self.ledgers:
                others = [other for other in self.ledgers if other is not ledger]
                ledger.ask_through(lambda user, token, others=others: _ask(others, user, token))
        for ledger in self.ledgers:
            await ledger.open_account(1, 1)
        return self.ledgers

    async def __aexit__(self, *_: object) -> None:
        for ledger in self.ledgers:
            if not ledger._finished:
                await ledger.stop()


def _ask(others: list[Ledger], user: int | None, token: int | None) -> bool:
    for other in others:
        other.give_back(user, token)
    return True


def leased(database) -> dict[int, int]:
    def look(uow):
        rows = uow.session.execute(text("SELECT kind, sum(units) FROM oneapi_account_leases GROUP BY kind"))
        return {kind: int(units) for kind, units in rows}

    return database.read_sync(look)


async def pay(ledger: Ledger, reserved: int, units: int, **changes) -> int:
    """What was collected."""
    held = await ledger.obtain(1, 1, reserved)
    await asyncio.sleep(0)
    await ledger.cover(held, units)
    before = ledger.user_balance(1)
    written = ledger.settle(held, charge(units, **changes))
    taken = before - ledger.user_balance(1)
    await written
    return taken


@on_servers
@pytest.mark.parametrize("seed_number", range(4))
async def test_random_traffic_on_two_nodes_takes_what_there_is_and_no_more(database, tmp_path, seed_number):
    dice = random.Random(seed_number)
    quota, remain = dice.choice([(3000, 2000), (500, 900), (100_000, 1500)])
    seed(database, quota=quota, remain=remain)
    lowest: list[int] = []

    async def client(ledger: Ledger) -> int:
        taken = 0
        for _ in range(30):
            reserved = dice.choice([1, 5, 20, 60])
            try:
                if dice.random() < 0.2:
                    ledger.release(await ledger.obtain(1, 1, reserved))
                else:
                    taken += await pay(ledger, reserved, dice.randint(0, 2 * reserved))
            except (UserQuotaExceeded, TokenQuotaExceeded):
                await asyncio.sleep(0.01)
        return taken

    def look(uow):
        return min(uow.session.get(User, 1).quota, uow.session.get(Token, 1).remain_quota)

    async def watch() -> None:
        while True:
            lowest.append(await database.read(look))
            await asyncio.sleep(0.01)

    async with Nodes(database, tmp_path) as ledgers:
        watching = asyncio.create_task(watch())
        taken = sum(await asyncio.gather(*(client(ledgers[n % 2]) for n in range(12))))
        watching.cancel()
    now = books(database)
    assert now.consumed == taken == quota - now.user_quota == remain - now.token_remain
    assert min(lowest) >= 0 and now.user_quota >= 0 and now.token_remain >= 0
    assert leased(database) == {}


@on_servers
async def test_200_at_once_over_two_nodes_on_a_token_worth_one(database, tmp_path):
    seed(database, remain=1)
    async with Nodes(database, tmp_path) as nodes:
        outcomes = await asyncio.gather(
            *(pay(nodes[n % 2], 1, 1) for n in range(200)), return_exceptions=True
        )
    assert outcomes.count(1) == 1
    assert sum(isinstance(outcome, TokenQuotaExceeded) for outcome in outcomes) == 199
    now = books(database)
    assert (now.consumed, now.token_remain, now.rows) == (1, 0, 1)


@on_servers
async def test_one_node_gets_what_the_other_does_not_need(database, tmp_path):
    seed(database, quota=1000, remain=1000)
    async with Nodes(database, tmp_path) as (one, two):
        assert one.user_available(1) > 0
        held = one.reserve(1, 1, 100)
        assert await pay(two, 900, 900) == 900
        with pytest.raises(UserQuotaExceeded):
            await two.obtain(1, 1, 1)
        await one.settle(held, charge(100))
    assert books(database).user_quota == 0


@on_servers
async def test_without_a_way_to_ask_idle_accounts_give_back_by_themselves(database, tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "IDLE_S", 0.1)
    monkeypatch.setattr(leases, "TICK_S", 0.05)
    seed(database, quota=1000, remain=1000)
    async with Nodes(database, tmp_path, linked=False) as (one, two):
        with pytest.raises(UserQuotaExceeded):
            await two.obtain(1, 1, 1000)
        end = time.monotonic() + 10
        while leased(database) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        assert await pay(two, 1000, 1000) == 1000
        await two.flushed()
        assert one.user_balance(1) == 1000, "as far as it knows"
        with pytest.raises(UserQuotaExceeded):
            await one.obtain(1, 1, 1)
        assert await one.is_spent(1)


@on_servers
async def test_an_answer_dearer_than_the_lease_is_paid_from_what_is_free_and_what_others_have(
    database, tmp_path
):
    seed(database, quota=1000, remain=1000)
    async with Nodes(database, tmp_path) as (one, two):
        assert await pay(one, 1, 1000, request_id="dear") == 1000
        assert two.user_available(1) == 0
    assert books(database).consumed == 1000


@on_servers
async def test_a_node_alone_holds_small_balances_whole_and_large_ones_in_part(database, tmp_path):
    seed(database, quota=10_000_000, remain=70)
    async with Nodes(database, tmp_path, count=1) as (ledger,):
        assert ledger.user_available(1) == leases.FIRST_MARGIN
        assert ledger.token_available(1) == 70
        assert (ledger.user_balance(1), ledger.token_balance(1)) == (10_000_000, 70)


@on_servers
async def test_a_refusal_names_what_there_is_too_little_of(database, tmp_path):
    """Neither lease suffices, but only the token has no more to give."""
    seed(database, quota=10_000_000, remain=70)
    async with Nodes(database, tmp_path, count=1) as (ledger,):
        with pytest.raises(TokenQuotaExceeded):
            await ledger.obtain(1, 1, 9_000_000)
        with pytest.raises(UserQuotaExceeded):
            await ledger.obtain(1, 1, 11_000_000)


@on_servers
async def test_a_lease_that_runs_low_is_filled_up_and_grows_while_that_happens_often(database, tmp_path):
    seed(database, quota=100_000_000, remain=100_000_000)
    async with Nodes(database, tmp_path, count=1) as (ledger,):
        for _ in range(20):
            await ledger.settle(ledger.reserve(1, 1, 80_000), charge(80_000))
            await ledger.flushed()
            await ledger.flushed()
        assert ledger.user_available(1) > 2 * leases.FIRST_MARGIN


@on_servers
async def test_unlimited_tokens_need_no_lease(database, tmp_path):
    seed(database, quota=1000, remain=-1, unlimited=True)
    async with Nodes(database, tmp_path) as (one, two):
        assert one.token_available(1) is None
        assert TOKEN not in leased(database)
        assert await pay(two, 700, 700) == 700
    now = books(database)
    assert (now.logged, now.user_quota, now.token_remain) == (700, 300, -1)


@on_servers
async def test_an_admin_takes_away_what_nodes_have_leased(database, tmp_path):
    seed(database, quota=1000, remain=1000)
    async with Nodes(database, tmp_path) as nodes:
        statement = text("UPDATE users SET quota = 10")
        await database.run(lambda uow: uow.session.execute(statement))
        for node in nodes:
            await node.refresh(1, None)
        assert sum(node.user_available(1) for node in nodes) == 10
        with pytest.raises(UserQuotaExceeded):
            await nodes[0].obtain(1, 1, 11)
        assert await pay(nodes[1], 10, 10) == 10
    assert books(database).user_quota == 0


@on_servers
async def test_what_an_admin_adds_can_be_spent_on_any_node(database, tmp_path):
    seed(database, quota=10, remain=1_000_000)
    async with Nodes(database, tmp_path) as nodes:
        with pytest.raises(UserQuotaExceeded):
            await nodes[0].obtain(1, 1, 5000)
        statement = text("UPDATE users SET quota = quota + 10000")
        await database.run(lambda uow: uow.session.execute(statement))
        for node in nodes:
            await node.refresh(1, None)
        assert [await pay(node, 5000, 5000) for node in nodes] == [5000, 5000]


@on_servers
async def test_what_another_program_adds_is_found_once_it_is_asked_for(database, tmp_path):
    seed(database, quota=10, remain=1_000_000)
    async with Nodes(database, tmp_path, count=1) as (ledger,):
        with pytest.raises(UserQuotaExceeded):
            await ledger.obtain(1, 1, 5000)
        statement = text("UPDATE users SET quota = quota + 10000")
        await database.run(lambda uow: uow.session.execute(statement))
        await asyncio.sleep(leases.BELIEVED_S + 0.1)
        assert await pay(ledger, 5000, 5000) == 5000


async def _pretend_silence(database, journal_id: str) -> None:
    statement = text("UPDATE oneapi_ledger_cursors SET updated_at = updated_at - 1000 WHERE journal_id = :id")
    await database.run(lambda uow: uow.session.execute(statement, {"id": journal_id}))


@on_servers
async def test_what_a_dead_node_held_is_free_again_and_its_journal_is_applied_all_the_same(
    database, tmp_path
):
    seed(database, quota=1000, remain=1000)
    async with Nodes(database, tmp_path, linked=False) as (one, two):
        one._batch_s = 3600
        await pay(one, 100, 100)
        held = leased(database)[USER]
        await crash(one)
        one._finished = True
        with pytest.raises(UserQuotaExceeded):
            await two.obtain(1, 1, 1000)
        assert two._stores[0].drop_silent(leases.DEAD_S) == [], "not yet"
        await _pretend_silence(database, one._journal.id)
        assert two._stores[0].drop_silent(leases.DEAD_S) == [one._journal.id]
        assert leased(database).get(USER, 0) < held
        await asyncio.sleep(leases.BELIEVED_S)
        assert await pay(two, 900, 900) == 900
        again = Ledger(database, tmp_path / "0", batch_ms=5, fsync=False)
        await again.start()
        await again.stop()
    now = books(database)
    assert (now.consumed, now.user_quota, now.cursors) == (1000, 0, 0)
    assert leased(database) == {}


@on_servers
async def test_a_node_taken_for_dead_notices_and_takes_its_leases_anew(database, tmp_path, caplog):
    seed(database, quota=1000, remain=1000)
    async with Nodes(database, tmp_path) as (one, two):
        before = one.user_available(1)
        assert before > 0
        await _pretend_silence(database, one._journal.id)
        assert two._stores[0].drop_silent(leases.DEAD_S) == [one._journal.id]
        assert await pay(two, 1000, 1000) == 1000
        await one._request(one._writers[0], leases.Job())
        assert "silent for too long" in caplog.text
        assert one.user_available(1) == 0
        with pytest.raises(UserQuotaExceeded):
            await one.obtain(1, 1, 1)
    assert books(database).user_quota == 0


@on_servers
async def test_a_node_that_cannot_reach_the_database_stops_granting_before_others_drop_its_leases(
    database, tmp_path, monkeypatch
):
    seed(database)
    async with Nodes(database, tmp_path, count=1) as (ledger,):
        held = ledger.reserve(1, 1, 1)
        monkeypatch.setattr(leases, "TRUST_S", -1.0)
        await ledger.refresh(1, 1)
        with pytest.raises(JournalUnavailable, match="has not answered"):
            ledger.reserve(1, 1, 1)
        await ledger.settle(held, charge(1))
        monkeypatch.undo()
        await ledger.flushed()
        ledger.release(ledger.reserve(1, 1, 1))
    assert leases.TRUST_S + 10 < leases.DEAD_S


@on_servers
async def test_a_change_whose_answer_got_lost_is_not_made_twice(database, tmp_path, monkeypatch):
    seed(database, quota=1000, remain=1000)
    async with Nodes(database, tmp_path, linked=False) as (one, two):
        store = one._stores[0]
        apply = store.apply

        def lose_the_answer(*args):
            apply(*args)
            monkeypatch.undo()
            raise ConnectionError

        monkeypatch.setattr(store, "apply", lose_the_answer)
        available = two.user_available(1)
        one.give_back(1, 1)
        await asyncio.wait_for(one.flushed(), 10)
        monkeypatch.setattr(store, "apply", lose_the_answer)
        await pay(one, 300, 300)
        await asyncio.wait_for(one.flushed(), 10)
        in_memory = one.user_available(1) + available
        assert leased(database)[USER] == in_memory
        assert books(database).consumed == 300
