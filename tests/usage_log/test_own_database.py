"""The log in a database of its own, also of another engine: rows, sums, deletion and bills."""

import dataclasses
from collections.abc import Iterator

import pytest
from sqlmodel import Session, select

from oneapi_app.actor import ADMIN, ROOT, Actor
from oneapi_app.billing.ledger import Ledger
from oneapi_app.bootstrap import prepare
from oneapi_app.kit.database import Database, open_database
from oneapi_app.models import Log, User
from oneapi_app.models.log import CONSUME
from oneapi_app.options import OptionValues
from oneapi_app.redemptions import service as redemptions
from oneapi_app.redemptions.schemas import RedemptionDraft
from oneapi_app.settings import Settings
from oneapi_app.usage_log import figures, service, upkeep
from oneapi_app.usage_log.schemas import LogFilter
from tests.billing.seeds import charge, seed
from tests.support.databases import SERVERS, SQLiteDatabases

ADMINISTRATOR = Actor(1, "user1", ADMIN, "default")


@pytest.fixture
def split(sqlite_databases: SQLiteDatabases, blank_settings: Settings) -> Iterator[Database]:
    """The main database is SQLite, the log's a new one on a server."""
    with sqlite_databases.fresh() as main:
        settings = dataclasses.replace(main, log_sql_dsn=blank_settings.sql_dsn)
        database = open_database(settings)
        seed(database)
        prepare(database, settings)
        yield database
        database.close_sync()


def rows_in(engine) -> int:
    with Session(engine) as session:
        return len(session.exec(select(Log)).all())


@pytest.mark.engines(*SERVERS, because="LOG_SQL_DSN names a server")
async def test_a_log_on_another_engine(split: Database, tmp_path) -> None:
    assert split.has_own_log_database and split.log_engine.dialect.name != split.dialect
    ledger = Ledger(split, tmp_path / "ledger", batch_ms=10, fsync=False)
    await ledger.start()
    await ledger.open_account(1, 1)
    for _ in range(3):
        await ledger.settle(ledger.reserve(1, 1, 9), charge(9))
    await ledger.flushed()
    draft = RedemptionDraft(name="code", quota=50, count=1)
    (key,) = await split.run(redemptions.create, ADMINISTRATOR, draft=draft)
    await split.run(redemptions.redeem, ADMINISTRATOR, key=key, options=OptionValues({}))
    await ledger.stop()

    assert (rows_in(split.engine), rows_in(split.log_engine)) == (0, 4)
    assert split.read_sync(lambda uow: uow.session.get_one(User, 1).quota) == 1_000_000 + 50 - 27
    listed = split.read_sync(service.list_all, ADMINISTRATOR, chosen=LogFilter(username="user1"))
    assert sorted(row.type for row in listed) == [1, 2, 2, 2]
    assert len(split.read_sync(service.list_own, ADMINISTRATOR, chosen=LogFilter(type=CONSUME))) == 3
    stat = split.read_sync(figures.stat_all, ADMINISTRATOR, chosen=LogFilter(username="user1"))
    assert (stat.quota, stat.requests) == (27, 3)
    root = Actor(1, "root", ROOT, "default")
    assert await upkeep.clean_up(split, root, 2**40) == 4
    assert rows_in(split.log_engine) == 0


async def test_deleting_old_rows_lets_bills_through(database: Database, tmp_path, monkeypatch) -> None:
    """Thousands of old rows go in many small transactions, and settlements get their turn between them."""
    monkeypatch.setattr(upkeep, "ROWS_AT_ONCE", 50)
    seed(database)
    old = [Log(user_id=1, type=CONSUME, created_at=1000 + number) for number in range(2000)]
    database.run_sync(lambda uow: uow.log_session.add_all(old))
    ledger = Ledger(database, tmp_path / "ledger", batch_ms=1, fsync=False)
    await ledger.start()
    await ledger.open_account(1, 1)
    deletion = upkeep.asyncio.create_task(upkeep.clean_up(database, None, 1_000_000))
    billed = 0
    while not deletion.done():
        await ledger.settle(ledger.reserve(1, 1, 1), charge(1))
        await ledger.flushed()
        billed += not deletion.done()
    assert await deletion == 2000
    assert billed >= 5
    await ledger.stop()
