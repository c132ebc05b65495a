"""The ledger over real databases: what it writes, what it refuses, and what it survives."""

import asyncio
import os
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlmodel import select

from oneapi_app.billing.errors import JournalUnavailable, TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.billing.ledger import Ledger, supply
from oneapi_app.billing.ledger import ledger as ledgers
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import open_database
from oneapi_app.migration import migrate
from oneapi_app.models import Log, LogDetail, Token, UsageHour, User
from tests.billing.seeds import accounts_locked, books, charge, seed
from tests.support.databases import SERVERS


@pytest.fixture
async def ledger(database, tmp_path):
    seed(database, count=3)
    made = await open_ledger(database, tmp_path)
    yield made
    await made.stop()


@pytest.fixture
async def local_ledger(database, tmp_path):
    seed(database, quota=1000, remain=700)
    made = await open_ledger(database, tmp_path)
    yield made
    await made.stop()


async def open_ledger(database, directory, accounts=(1, 2, 3), **changes) -> Ledger:
    made = Ledger(database, directory / "ledger", **{"batch_ms": 10, "fsync": False} | changes)
    await made.start()
    for account in accounts:
        await made.open_account(account, account)
    return made


async def spend(ledger: Ledger, units: int, account: int = 1, **changes) -> None:
    await ledger.settle(ledger.reserve(account, account, units), charge(units, account, **changes))


async def test_what_a_batch_writes(ledger, database):
    await spend(ledger, 3, request_id="one", is_stream=True, first_token_ms=40, elapsed_ms=90)
    await spend(ledger, 4, request_id="two", system_prompt_reset=True)
    await spend(ledger, 5, 2, request_id="three", detail='{"count_source":"estimate","é":"界"}')
    await ledger.flushed()
    assert books(database).consumed == 12

    def look(uow):
        user, token = uow.session.get(User, 1), uow.session.get(Token, 1)
        assert (user.quota, user.used_quota, user.request_count) == (999_993, 7, 2)
        assert (token.remain_quota, token.used_quota, token.accessed_time) == (999_993, 7, 1_764_000_000)
        first, second, third = uow.session.exec(select(Log).order_by(Log.id)).all()
        assert (first.type, first.user_id, first.username, first.token_name) == (2, 1, "user1", "token1")
        assert (first.content, first.quota, first.is_stream) == ("倍率：0.07 × 1.00 × 4.00", 3, True)
        assert (first.elapsed_time, first.request_id, second.system_prompt_reset) == (90, "one", True)
        assert (third.channel_id, third.prompt_tokens, third.completion_tokens) == (2, 12, 7)
        detail = uow.session.get(LogDetail, "three")
        assert (detail.detail, detail.cached_tokens) == ('{"count_source":"estimate","é":"界"}', 2)
        hour = uow.session.exec(select(UsageHour).where(UsageHour.user_id == 1)).one()
        assert (hour.hour, hour.requests, hour.quota, hour.streams) == (1_764_000_000, 2, 7, 1)
        assert (hour.first_token_ms, hour.elapsed_ms, hour.cached_tokens) == (40, 190, 4)

    database.read_sync(look)


async def test_batches_add_up(ledger, database):
    for round_ in range(5):
        await asyncio.gather(*(spend(ledger, 1 + n % 3, 1 + n % 3) for n in range(40)))
        if round_ % 2:
            await ledger.flushed()
    await ledger.flushed()
    now = books(database)
    assert now.rows == 200
    assert now.user_quota == 3_000_000 - now.consumed
    assert now.token_remain == 3_000_000 - now.consumed
    assert ledger.user_balance(1) == database.read_sync(lambda uow: uow.session.get(User, 1).quota)


async def test_200_at_once_on_a_token_worth_one(database, tmp_path):
    seed(database, quota=1_000_000, remain=1)
    ledger = await open_ledger(database, tmp_path, [1])
    outcomes = await asyncio.gather(*(spend(ledger, 1) for _ in range(200)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, TokenQuotaExceeded) for outcome in outcomes) == 199
    await ledger.stop()
    now = books(database)
    assert (now.consumed, now.token_remain, now.rows) == (1, 0, 1)


async def test_200_at_once_with_answers_longer_than_reserved(database, tmp_path):
    seed(database, quota=500, remain=100)
    ledger = await open_ledger(database, tmp_path, [1])

    async def one():
        held = ledger.reserve(1, 1, 1)
        await asyncio.sleep(0)
        await ledger.settle(held, charge(7))

    outcomes = await asyncio.gather(*(one() for _ in range(200)), return_exceptions=True)
    assert outcomes.count(None) == 100
    await ledger.stop()
    now = books(database)
    assert now.consumed == 100
    assert (now.token_remain, now.user_quota) == (0, 400)


async def test_released_reservations_cost_nothing(local_ledger, database):
    held = local_ledger.reserve(1, 1, 700)
    assert (local_ledger.user_available(1), local_ledger.token_available(1)) == (300, 0)
    assert local_ledger.token_balance(1) == 700
    local_ledger.release(held)
    assert (local_ledger.user_available(1), local_ledger.token_available(1)) == (1000, 700)
    await local_ledger.flushed()
    assert books(database).consumed == 0


async def test_batches_come_soon_after_a_pause_and_apart_under_load(database, tmp_path):
    seed(database, quota=1000, remain=700)
    ledger = await open_ledger(database, tmp_path, [1], batch_ms=60_000)
    applied: asyncio.Queue[int] = asyncio.Queue()
    ledger.watch(lambda batch, _: applied.put_nowait(batch.settlements))
    await spend(ledger, 1)
    async with asyncio.timeout(10):
        assert await applied.get() == 1
    for _ in range(3):
        await spend(ledger, 1)
    assert ledger.stats.pending_groups == 3, "they wait for the minute to be over"
    await ledger.stop()
    assert books(database).consumed == 4


async def test_the_uncollected_rest_is_written_down(local_ledger, database):
    await local_ledger.settle(local_ledger.reserve(1, 1, 10), charge(1000, request_id="big"))
    await local_ledger.flushed()
    now = books(database)
    assert (now.consumed, now.token_remain, now.user_quota) == (700, 0, 300)
    detail = database.read_sync(lambda uow: uow.session.get(LogDetail, "big").detail)
    assert '"uncollected_units":300' in detail


async def test_unlimited_tokens(database, tmp_path):
    seed(database, quota=100, remain=-1, unlimited=True)
    ledger = await open_ledger(database, tmp_path, [1])
    assert ledger.token_available(1) is None
    await spend(ledger, 40)
    with pytest.raises(UserQuotaExceeded):
        ledger.reserve(1, 1, 61)
    await ledger.stop()
    now = books(database)
    assert (now.logged, now.user_used, now.channel_used, now.hours) == (40, 40, 40, 40)
    assert (now.token_used, now.token_remain, now.user_quota) == (0, -1, 60), "as the original keeps them"


async def test_without_log_rows_the_counters_still_count(local_ledger, database):
    await spend(local_ledger, 5, write_log=False)
    await local_ledger.flushed()
    now = books(database)
    assert (now.rows, now.details, now.hours) == (0, 0, 0)
    assert (now.user_used, now.token_used, now.channel_used, now.requests) == (5, 5, 5, 1)


async def test_free_requests_are_logged(local_ledger, database):
    await spend(local_ledger, 0)
    await local_ledger.flushed()
    now = books(database)
    assert (now.rows, now.consumed, now.requests) == (1, 0, 1)


async def test_nobody_there_has_nothing(local_ledger):
    assert not local_ledger.has_account(77, 78)
    await local_ledger.open_account(77, 78)
    with pytest.raises(UserQuotaExceeded):
        local_ledger.reserve(77, 78, 1)


async def test_admin_changes_the_balance_while_traffic_runs(database, tmp_path):
    seed(database, quota=100_000, remain=100_000)
    ledger = await open_ledger(database, tmp_path, [1], batch_ms=1)
    added = 0

    def top_up(uow, units):
        statement = text("UPDATE users SET quota = quota + :units WHERE id = 1")
        uow.session.execute(statement, {"units": units})

    async def traffic():
        for _ in range(150):
            await spend(ledger, 7)
            await asyncio.sleep(0.001)

    async def admin():
        nonlocal added
        for units in range(1, 40):
            await database.run(top_up, units)
            await ledger.refresh(1, 1)
            added += units
            await asyncio.sleep(0.002)

    await asyncio.gather(traffic(), traffic(), admin())
    await ledger.flushed()
    now = books(database)
    assert now.consumed == 300 * 7
    assert now.user_quota == 100_000 + added - now.consumed == ledger.user_balance(1)
    await ledger.stop()


@pytest.mark.engines("sqlite", because="leases look before they refuse: see test_leases")
async def test_a_top_up_by_another_program_is_noticed_after_a_refusal(local_ledger, database):
    with pytest.raises(UserQuotaExceeded):
        local_ledger.reserve(1, 1, 2000)
    await local_ledger.flushed()  # the look this refusal caused is over
    with database.engine.begin() as other:
        other.exec_driver_sql("UPDATE users SET quota = 5000")
        other.exec_driver_sql("UPDATE tokens SET remain_quota = 5000")
    await asyncio.sleep(supply.RECHECK_S + 0.1)
    with pytest.raises(UserQuotaExceeded):
        local_ledger.reserve(1, 1, 2000)
    await local_ledger.flushed()
    local_ledger.release(local_ledger.reserve(1, 1, 2000))


async def test_a_deleted_token_has_nothing_left(local_ledger, database):
    def delete(uow):
        uow.session.delete(uow.session.get(Token, 1))

    held = local_ledger.reserve(1, 1, 10)
    await database.run(delete)
    await local_ledger.refresh(None, 1)
    with pytest.raises(TokenQuotaExceeded):
        local_ledger.reserve(1, 1, 1)
    await local_ledger.settle(held, charge(10))
    await local_ledger.flushed()
    assert books(database).user_used == 0, "nothing can be collected from it, so nothing is"


async def test_cancelled_waiting_does_not_undo_or_disturb_others(local_ledger, database):
    async def one(units):
        await local_ledger.settle(local_ledger.reserve(1, 1, units), charge(units))

    tasks = [asyncio.create_task(one(units)) for units in (1, 2, 3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), asyncio.CancelledError, type(None)]
    await local_ledger.flushed()
    assert books(database).consumed == 6


async def test_one_write_per_tick(local_ledger):
    before = local_ledger._sequence
    await asyncio.gather(*(spend(local_ledger, 1) for _ in range(50)))
    assert local_ledger._sequence == before + 1


async def test_stop_leaves_an_empty_directory_and_no_row(database, tmp_path):
    seed(database)
    ledger = await open_ledger(database, tmp_path, [1])
    for _ in range(20):
        await spend(ledger, 2)
    await ledger.stop()
    assert [path.name for path in (tmp_path / "ledger").iterdir()] == ["directory.lock"]
    now = books(database)
    assert (now.consumed, now.cursors) == (40, 0)
    with pytest.raises(JournalUnavailable):
        ledger.reserve(1, 1, 1)


async def test_what_is_settled_while_stopping_is_not_lost(database, tmp_path):
    seed(database)
    ledger = await open_ledger(database, tmp_path, [1])
    late = ledger.reserve(1, 1, 5)
    later = ledger.reserve(1, 1, 5)
    await spend(ledger, 1)
    with accounts_locked(database):
        stopping = asyncio.create_task(ledger.stop())
        await asyncio.sleep(0.1)
        await ledger.settle(late, charge(5))
    await stopping
    with pytest.raises(JournalUnavailable):
        ledger.settle(later, charge(5))
    again = await open_ledger(database, tmp_path, [1])
    assert books(database).consumed == 6
    await again.stop()


async def crash(ledger: Ledger) -> None:
    """As ``kill -9`` leaves things, in one process: threads end, locks go, files and rows stay."""
    for writer in ledger._writers:
        writer._abandoned.set()
        writer._jobs.put(ledgers.Job(stop=True))
        writer._thread.join(10)
    os.close(ledger._journal._lock)
    ledger._supply.stop()


async def test_the_next_start_applies_what_a_crash_left(database, tmp_path):
    seed(database, count=3)
    first = await open_ledger(database, tmp_path)
    await spend(first, 5)
    await first.flushed()
    first._batch_s = 3600
    for account in (1, 2, 3):
        await spend(first, 10, account)
    await crash(first)
    assert books(database).consumed == 5
    second = await open_ledger(database, tmp_path)
    now = books(database)
    assert (now.consumed, now.cursors) == (35, 1)
    assert second.user_balance(1) == 1_000_000 - 15
    await second.stop()
    third = await open_ledger(database, tmp_path)
    assert books(database).consumed == 35, "once"
    await third.stop()


async def test_a_crash_between_commit_and_removal_applies_nothing_twice(database, tmp_path):
    seed(database)
    first = await open_ledger(database, tmp_path, [1])
    await spend(first, 5)
    await first.flushed()
    await crash(first)
    second = await open_ledger(database, tmp_path, [1])
    assert books(database).consumed == 5
    await second.stop()


async def test_a_journal_of_another_database_is_left_alone(database, tmp_path, caplog):
    seed(database)
    first = await open_ledger(database, tmp_path, [1])
    first._batch_s = 3600
    await spend(first, 5)
    await crash(first)
    database.run_sync(lambda uow: uow.session.execute(text("DELETE FROM oneapi_ledger_cursors")))
    second = await open_ledger(database, tmp_path, [1])
    assert books(database).logged == 0
    assert "another database" in caplog.text
    await second.stop()
    assert len(list((tmp_path / "ledger").glob("*.journal"))) == 1


@pytest.mark.engines(*SERVERS, because="a SQLite file has one process")
async def test_two_processes_share_a_directory(database, tmp_path):
    seed(database, count=2)
    one = await open_ledger(database, tmp_path, [1])
    two = await open_ledger(database, tmp_path, [2])
    await asyncio.gather(*(spend(one, 1, 1) for _ in range(10)), *(spend(two, 1, 2) for _ in range(10)))
    await asyncio.gather(one.stop(), two.stop())
    assert books(database).consumed == 20


@pytest.mark.engines("sqlite", because="nodes share a server's database")
async def test_two_processes_on_one_sqlite_file_are_refused(local_ledger, database, tmp_path):
    """Each would spend the whole balance."""
    with pytest.raises(SettingsError, match="SQLITE_PATH: another process"):
        await open_ledger(database, tmp_path / "elsewhere")


@pytest.mark.engines(*SERVERS, because="a SQLite file has one process")
async def test_two_nodes_on_the_same_accounts_never_deadlock_for_good(database, tmp_path):
    seed(database, count=3)
    nodes = [await open_ledger(database, tmp_path, batch_ms=1) for _ in range(2)]

    async def work(node, order):
        for _ in range(40):
            await asyncio.gather(*(spend(node, 1, account) for account in order))
            await asyncio.sleep(0.001)

    await asyncio.gather(work(nodes[0], (1, 2, 3)), work(nodes[1], (3, 2, 1)))
    await asyncio.gather(*(node.flushed() for node in nodes))
    assert books(database).consumed == 240
    assert [node.stats.problem for node in nodes] == ["", ""]
    await asyncio.gather(*(node.stop() for node in nodes))


async def test_a_commit_whose_answer_got_lost_is_not_repeated(local_ledger, database):
    """The writer believes less than the database: the position in the database decides."""
    await spend(local_ledger, 5)
    await local_ledger.flushed()
    writer = local_ledger._writers[0]
    writer._position = 0
    await spend(local_ledger, 7)
    await local_ledger.flushed()
    assert books(database).consumed == 12
    assert local_ledger.user_balance(1) == 1000 - 12


async def test_the_database_away_for_a_while(local_ledger, database):
    """Settlements wait in the journal, requests go on, and everything arrives when it is back."""
    with accounts_locked(database):
        for _ in range(10):
            await spend(local_ledger, 3)
        await asyncio.sleep(0.2)
        assert books(database).consumed == 0
        assert local_ledger.user_balance(1) == 970
        assert local_ledger.stats.pending_groups == 10
    await asyncio.wait_for(local_ledger.flushed(), 30)
    assert books(database).consumed == 30
    assert local_ledger.stats.pending_bytes == 0


async def test_a_table_gone_for_a_while(local_ledger, database):
    def rename(uow, old, new):
        uow.session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    await database.run(rename, "channels", "gone")
    await spend(local_ledger, 3)
    await asyncio.sleep(0.3)
    assert "does not take" in local_ledger.stats.problem
    await spend(local_ledger, 4)
    await database.run(rename, "gone", "channels")
    await asyncio.wait_for(local_ledger.flushed(), 30)
    assert books(database).consumed == 7
    assert local_ledger.stats.problem == ""


async def test_a_settlement_the_engine_refuses_does_not_hold_up_the_rest(ledger, database):
    await spend(ledger, 1, model_name="m" * 500, request_id="r" * 300, content="nul \0 in it")
    await spend(ledger, 2, model_name="\U0001f600", username="\ud800")
    await spend(ledger, 3, prompt_tokens=10**40, completion_tokens=10**30)
    await asyncio.wait_for(ledger.flushed(), 30)
    assert books(database).consumed == 6


async def test_a_journal_that_cannot_be_written_stops_new_requests(local_ledger, database, monkeypatch):
    monkeypatch.setattr(ledgers, "_RETRY_S", 0.05)
    good = os.dup(local_ledger._journal._file)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, local_ledger._journal._file)
    held = local_ledger.reserve(1, 1, 5)
    await asyncio.wait_for(local_ledger.settle(held, charge(5)), 10)
    assert books(database).consumed == 5, "the database had it before the client got its last byte"
    with pytest.raises(JournalUnavailable, match="No space left"):
        for _ in range(3):
            await local_ledger.settle(local_ledger.reserve(1, 1, 1), charge(1))
    monkeypatch.undo()
    os.dup2(good, local_ledger._journal._file)
    os.close(good)
    os.close(full)
    await asyncio.sleep(1)
    await spend(local_ledger, 2)


async def test_a_full_journal_stops_new_requests(local_ledger, database, monkeypatch):
    monkeypatch.setattr(ledgers, "JOURNAL_LIMIT_BYTES", 2000)
    with accounts_locked(database):
        with pytest.raises(JournalUnavailable, match="full"):
            for _ in range(100):
                await spend(local_ledger, 1)
        assert local_ledger.stats.problem
    await asyncio.wait_for(local_ledger.flushed(), 30)
    await spend(local_ledger, 1)


async def test_an_unwritable_directory_is_a_clear_error(database, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="DATA_DIR"):
        await Ledger(database, tmp_path / "file" / "ledger", batch_ms=10, fsync=False).start()


async def test_fsync(database, tmp_path):
    seed(database)
    ledger = await open_ledger(database, tmp_path, [1], fsync=True)
    await asyncio.gather(*(spend(ledger, 1) for _ in range(50)))
    await spend(ledger, 1)
    await ledger.stop()
    assert books(database).consumed == 51


@pytest.mark.engines(*SERVERS, because="LOG_SQL_DSN names a server")
async def test_a_log_database_of_its_own(two_blank_settings, tmp_path):
    settings = replace(two_blank_settings[0], log_sql_dsn=two_blank_settings[1].sql_dsn)
    database = open_database(settings)
    try:
        migrate(database)
        seed(database)
        ledger = await open_ledger(database, tmp_path, [1])
        for _ in range(10):
            await spend(ledger, 2)
        await ledger.flushed()
        assert books(database).consumed == 20
        ledger._batch_s = 3600
        await spend(ledger, 5)
        await crash(ledger)
        again = await open_ledger(database, tmp_path, [1])
        now = books(database)
        assert now.consumed == 25
        assert database.read_sync(
            lambda uow: uow.session.execute(text("SELECT count(*) FROM logs")).scalar() == 0
        ), "nothing of the log in the main database"
        await again.stop()
    finally:
        database.close_sync()
