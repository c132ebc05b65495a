"""The ledger's SQL: a batch of settlements in one transaction with the position in the journal.

Statements are texts for the driver itself, because this is the product's hottest database work. Balances are
``account_store``'s; a transaction takes locks in the order position, accounts, leases, log.
"""

# ruff: noqa: S608 - what is written into a statement is a whole number or a name of ours, all else is bound

import random
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from oneapi_app.billing.account_store import AccountStore, LeasedAccounts, WholeAccounts
from oneapi_app.billing.batch import DETAIL_COLUMNS, HOUR_KEY, HOUR_SUMS, LOG_COLUMNS, BalancesRead, Batch
from oneapi_app.billing.lease import LeaseChange
from oneapi_app.kit.database import Database, UnitOfWork, is_deadlock

T = TypeVar("T")
_ATTEMPTS = 8
_ROWS_AT_ONCE = (500, 100)
"""Rows of a statement, as long as there are so many; the rest is one more. SQLite keeps what it has parsed, so there
are not too many kinds of them.
"""


class LedgerStore:
    """One database as the ledger's writer uses it.

    ``accounts``/``logs``: which effects of a batch belong here; both, unless the log has a database of its own.
    """

    def __init__(self, database: Database, engine: Engine, *, accounts: bool, logs: bool, sync: bool) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name
        sqlite = self._dialect == "sqlite"
        self._lock = database.write_lock if sqlite and engine is database.engine else nullcontext()
        self._now = _NOW[self._dialect]
        self._leased = accounts and not sqlite
        self._accounts: AccountStore | None = None
        if accounts:
            self._accounts = LeasedAccounts(self._dialect, self._now) if self._leased else WholeAccounts()
        self._logs = logs
        self._mark = "?" if sqlite else "%s"
        self._sync = sync and sqlite
        self._ignore = "INSERT IGNORE" if self._dialect == "mysql" else "INSERT"
        self._unless_there = "" if self._dialect == "mysql" else " ON CONFLICT DO NOTHING"

    def register(self, journal_id: str, position: int = 0) -> None:
        """Makes the row that says this database is the one the journal is about."""
        statement = (
            "INSERT INTO oneapi_ledger_cursors (journal_id, sequence, updated_at) "
            f"VALUES ({self._mark}, {position:d}, {self._now})"
        )
        self._transact(lambda connection: self._execute(connection, statement, (journal_id,)))

    def forget(self, journal_id: str) -> None:
        """The journal's files are gone; so may its row be, and what its process held of the balances."""

        def delete(connection: Connection) -> None:
            self._execute(
                connection,
                f"DELETE FROM oneapi_ledger_cursors WHERE journal_id = {self._mark}",
                (journal_id,),
            )
            if self._accounts is not None:
                self._accounts.drop(connection, journal_id)

        self._transact(delete)

    def position(self, journal_id: str) -> int | None:
        """Sequence of the last group applied; None where this database does not know the journal."""
        return self._transact(lambda connection: self._row(connection, journal_id))[0]

    def apply(
        self,
        journal_id: str,
        before: int,
        batch: Batch,
        users: Iterable[int],
        tokens: Iterable[int],
        changes: Sequence[LeaseChange] = (),
    ) -> BalancesRead:
        """The batch, if the position is ``before``, and the changes of leases; then the balances of all accounts named.

        Raises PositionMoved, having changed nothing, where an earlier attempt got through after all.
        """

        def work(connection: Connection) -> BalancesRead:
            lost = False
            if batch.settlements or self._leased:
                lost = self._advance(connection, journal_id, before, batch.sequence or before)
            found = BalancesRead()
            if self._accounts is not None:
                found = self._accounts.settle(connection, journal_id, batch, users, tokens, changes)
            if batch.settlements and self._logs:
                self._write_logs(connection, batch)
            found.lost = lost
            return found

        return self._transact(work)

    def drop_silent(self, after_s: int) -> list[str]:
        """Journals of nodes that hold leases and have given no sign of life for so long: they hold none any more.

        Such a node sees that in its next transaction, whatever it was doing: the mark is set while its row is
        locked, and every transaction of a node begins with that row.
        """
        silent = f"updated_at > 0 AND updated_at < {self._now} - {after_s:d}"

        def work(connection: Connection) -> list[str]:
            holding = "EXISTS (SELECT 1 FROM oneapi_account_leases l WHERE l.journal_id = c.journal_id)"
            found = self._execute(
                connection, f"SELECT journal_id FROM oneapi_ledger_cursors c WHERE {silent} AND {holding}"
            ).fetchall()
            dropped: list[str] = []
            for (journal_id,) in found:
                marked = self._execute(
                    connection,
                    f"UPDATE oneapi_ledger_cursors SET updated_at = {_TAKEN_FOR_DEAD} "
                    f"WHERE journal_id = {self._mark} AND {silent}",
                    (journal_id,),
                )
                if marked.rowcount == 1 and self._accounts is not None:
                    self._accounts.drop(connection, journal_id)
                    dropped.append(journal_id)
            return dropped

        return self._transact(work)

    def _row(self, connection: Connection, journal_id: str) -> tuple[int, int] | tuple[None, None]:
        row = self._execute(
            connection,
            f"SELECT sequence, updated_at FROM oneapi_ledger_cursors WHERE journal_id = {self._mark}",
            (journal_id,),
        ).fetchone()
        return (None, None) if row is None else (row[0], row[1])

    def _advance(self, connection: Connection, journal_id: str, before: int, after: int) -> bool:
        """Moves the position, which is a sign of life as well; whether the node was taken for dead meanwhile."""
        m = self._mark
        move = (
            f"UPDATE oneapi_ledger_cursors SET sequence = {after:d}, updated_at = {self._now} "
            f"WHERE journal_id = {m} AND sequence = {before:d}"
        )
        moved = self._execute(connection, f"{move} AND updated_at <> {_TAKEN_FOR_DEAD}", (journal_id,))
        if moved.rowcount == 1:
            return False
        position, updated_at = self._row(connection, journal_id)
        if position != before or updated_at != _TAKEN_FOR_DEAD:
            raise PositionMoved(position)
        self._execute(connection, move, (journal_id,))
        if self._accounts is not None:
            self._accounts.drop(connection, journal_id)
        return True

    def _write_logs(self, connection: Connection, batch: Batch) -> None:
        if not batch.log_values:
            return
        if self._dialect == "sqlite":
            _without_booleans(batch.log_values)
        self._insert(connection, "INSERT INTO logs", LOG_COLUMNS, batch.log_values)
        self._insert(
            connection,
            f"{self._ignore} INTO oneapi_log_details",
            DETAIL_COLUMNS,
            batch.detail_values,
            self._unless_there,
        )
        rows = sorted((*key, *sums) for key, sums in batch.hours.items())
        hours = [value for row in rows for value in row]
        self._insert(
            connection, "INSERT INTO oneapi_usage_hours", (*HOUR_KEY, *HOUR_SUMS), hours, self._hour_sums()
        )

    def _hour_sums(self) -> str:
        if self._dialect == "mysql":
            sums = ", ".join(f"{name} = {name} + VALUES({name})" for name in HOUR_SUMS)
            return f" ON DUPLICATE KEY UPDATE {sums}"
        sums = ", ".join(f"{name} = oneapi_usage_hours.{name} + excluded.{name}" for name in HOUR_SUMS)
        return f" ON CONFLICT ({', '.join(HOUR_KEY)}) DO UPDATE SET {sums}"

    def _insert(
        self, connection: Connection, head: str, columns: tuple[str, ...], values: list[Any], tail: str = ""
    ) -> None:
        """Many rows a statement: fewer round trips, and with SQLite fewer turns of the interpreter's lock."""
        width = len(columns)
        head = f"{head} ({', '.join(columns)}) VALUES "
        marks = f"({self._marks(width)})"
        start, left = 0, len(values) // width
        while left:
            count = next((size for size in _ROWS_AT_ONCE if size <= left), left)
            some = tuple(values[start : start + count * width])
            self._execute(connection, f"{head}{','.join([marks] * count)}{tail}", some)
            start += count * width
            left -= count

    def _marks(self, count: int) -> str:
        return ", ".join([self._mark] * count)

    def _execute(self, connection: Connection, statement: str, values: tuple[Any, ...] = ()) -> Any:
        return connection.exec_driver_sql(statement, values)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with (
                    self._lock,
                    self._engine.connect() as connection,
                    self._synced(connection),
                    connection.begin(),
                ):
                    if self._leased:
                        self._execute(connection, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    return work(connection)
            except DBAPIError as error:
                if attempt == _ATTEMPTS or not is_deadlock(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise AssertionError("unreachable")

    @contextmanager
    def _synced(self, connection: Connection) -> Generator[None]:
        """SQLite's commits reach the disk before the journal lets go, where the operator asked for that."""
        if not self._sync:
            yield
            return
        driver: Any = connection.connection
        driver.execute("PRAGMA synchronous=FULL")
        try:
            yield
        finally:
            driver.execute("PRAGMA synchronous=NORMAL")


def _without_booleans(log_values: list[Any]) -> None:
    """Whole numbers instead, as SQLite stores them: for each boolean its driver looks for an adapter, in vain."""
    width = len(LOG_COLUMNS)
    for name in ("is_stream", "system_prompt_reset"):
        column = slice(LOG_COLUMNS.index(name), None, width)
        log_values[column] = map(int, log_values[column])


_NOW = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER)",
    "mysql": "UNIX_TIMESTAMP()",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)",
}
"""Seconds by the database's clock: nodes need not agree on the time."""
_TAKEN_FOR_DEAD = 0
"""``updated_at`` of a node whose leases others have dropped."""


class PositionMoved(Exception):
    """The journal's position in the database is not what the writer believed. ``args[0]``: what it is, or None."""


def read_accounts(uow: UnitOfWork, user_id: int, token_id: int) -> BalancesRead:
    """The balance of one user and one token; for accounts nobody has settled on yet."""
    connection = uow.session.connection()
    found = BalancesRead({user_id: 0}, {token_id: (0, True)})
    for key, quota in connection.exec_driver_sql(f"SELECT id, quota FROM users WHERE id = {user_id:d}"):
        found.users[key] = quota or 0
    rows = connection.exec_driver_sql(
        f"SELECT id, remain_quota, unlimited_quota FROM tokens WHERE id = {token_id:d}"
    )
    for key, quota, unlimited in rows:
        found.tokens[key] = (quota or 0, not unlimited)
    return found
