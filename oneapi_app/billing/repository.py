"""The ledger's SQL: a batch of settlements in one transaction with the position in the journal.

Statements are texts for the driver itself, because this is the product's hottest database work. Accounts are
changed in the order users, tokens, channels, each by id, so that several processes never wait in a ring.
"""

# ruff: noqa: S608 - what is written into a statement is a whole number or a name of ours, all else is bound

import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from oneapi_app.billing.batch import DETAIL_COLUMNS, HOUR_KEY, HOUR_SUMS, LOG_COLUMNS, BalancesRead, Batch
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database, UnitOfWork, is_deadlock

T = TypeVar("T")
_ATTEMPTS = 8
_IDS_AT_ONCE = 100
_ROWS_AT_ONCE = 100


class LedgerStore:
    """One database as the ledger's writer uses it.

    ``accounts``/``logs``: which effects of a batch belong here; both, unless the log has a database of its own.
    """

    def __init__(self, database: Database, engine: Engine, *, accounts: bool, logs: bool, sync: bool) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name
        sqlite = self._dialect == "sqlite"
        self._lock = database.write_lock if sqlite and engine is database.engine else nullcontext()
        self._accounts = accounts
        self._logs = logs
        self._mark = "?" if sqlite else "%s"
        self._for_update = "" if sqlite else " FOR UPDATE"
        self._sync = sync and sqlite
        self._ignore = "INSERT IGNORE" if self._dialect == "mysql" else "INSERT"
        self._unless_there = "" if self._dialect == "mysql" else " ON CONFLICT DO NOTHING"

    def register(self, journal_id: str, position: int = 0) -> None:
        """Makes the row that says this database is the one the journal is about."""

        def insert(connection: Connection) -> None:
            self._execute(
                connection,
                f"INSERT INTO oneapi_ledger_cursors (journal_id, sequence, updated_at) VALUES ({self._marks(3)})",
                (journal_id, position, now_s()),
            )

        self._transact(insert)

    def forget(self, journal_id: str) -> None:
        """The journal's files are gone; so may its row be."""
        statement = f"DELETE FROM oneapi_ledger_cursors WHERE journal_id = {self._mark}"
        self._transact(lambda connection: self._execute(connection, statement, (journal_id,)))

    def position(self, journal_id: str) -> int | None:
        """Sequence of the last group applied; None where this database does not know the journal."""
        return self._transact(lambda connection: self._position(connection, journal_id))

    def apply(
        self, journal_id: str, before: int, batch: Batch, users: Iterable[int], tokens: Iterable[int]
    ) -> BalancesRead:
        """The batch, if the position is ``before``; then the balances of its accounts and of those named.

        Raises PositionMoved, having changed nothing, where an earlier attempt got through after all.
        """

        def work(connection: Connection) -> BalancesRead:
            if batch.settlements:
                self._advance(connection, journal_id, before, batch.sequence)
                if self._accounts:
                    self._charge_accounts(connection, batch)
                if self._logs:
                    self._write_logs(connection, batch)
            return self._read_balances(
                connection, {*users, *batch.users}, {*tokens, *batch.tokens, *batch.unlimited_tokens}
            )

        return self._transact(work)

    def _position(self, connection: Connection, journal_id: str) -> int | None:
        row = self._execute(
            connection,
            f"SELECT sequence FROM oneapi_ledger_cursors WHERE journal_id = {self._mark}",
            (journal_id,),
        ).fetchone()
        return None if row is None else row[0]

    def _advance(self, connection: Connection, journal_id: str, before: int, after: int) -> None:
        m = self._mark
        moved = self._execute(
            connection,
            f"UPDATE oneapi_ledger_cursors SET sequence = {m}, updated_at = {m} "
            f"WHERE journal_id = {m} AND sequence = {m}",
            (after, now_s(), journal_id, before),
        )
        if moved.rowcount != 1:
            raise PositionMoved(self._position(connection, journal_id))

    def _charge_accounts(self, connection: Connection, batch: Batch) -> None:
        self._add_up(
            connection,
            "users",
            {"quota": -1, "used_quota": 1, "request_count": 1},
            {key: (units, units, requests) for key, (units, requests) in batch.users.items()},
        )
        self._add_up(
            connection,
            "tokens",
            {"remain_quota": -1, "used_quota": 1, "accessed_time": 0},
            {key: (units, units, used_at) for key, (units, used_at) in batch.tokens.items()},
        )
        self._add_up(
            connection,
            "channels",
            {"used_quota": 1},
            {key: (units,) for key, units in batch.channels.items()},
        )

    def _add_up(
        self,
        connection: Connection,
        table: str,
        signs: Mapping[str, int],
        amounts: Mapping[int, Sequence[int]],
    ) -> None:
        """Adds (1), subtracts (-1) or sets (0) each column. Whole numbers only, hence written into the text."""
        for ids in _chunks(sorted(amounts), _IDS_AT_ONCE):
            chosen = f"WHERE id IN ({','.join(map(str, ids))})"
            if self._for_update:
                self._execute(connection, f"SELECT id FROM {table} {chosen} ORDER BY id{self._for_update}")
            changes: list[str] = []
            for place, (column, sign) in enumerate(signs.items()):
                cases = " ".join(f"WHEN {key} THEN {amounts[key][place]}" for key in ids)
                amount = f"CASE id {cases} END"
                sum_ = f"COALESCE({column}, 0) {'-' if sign < 0 else '+'} {amount}" if sign else amount
                changes.append(f"{column} = {sum_}")
            self._execute(connection, f"UPDATE {table} SET {', '.join(changes)} {chosen}")

    def _write_logs(self, connection: Connection, batch: Batch) -> None:
        if not batch.log_rows:
            return
        self._insert(connection, f"INSERT INTO logs ({LOG_COLUMNS})", batch.log_rows)
        self._insert(
            connection,
            f"{self._ignore} INTO oneapi_log_details ({DETAIL_COLUMNS})",
            batch.detail_rows,
            self._unless_there,
        )
        rows = sorted((*key, *sums) for key, sums in batch.hours.items())
        columns = ", ".join((*HOUR_KEY, *HOUR_SUMS))
        self._insert(connection, f"INSERT INTO oneapi_usage_hours ({columns})", rows, self._hour_sums())

    def _hour_sums(self) -> str:
        if self._dialect == "mysql":
            sums = ", ".join(f"{name} = {name} + VALUES({name})" for name in HOUR_SUMS)
            return f" ON DUPLICATE KEY UPDATE {sums}"
        sums = ", ".join(f"{name} = oneapi_usage_hours.{name} + excluded.{name}" for name in HOUR_SUMS)
        return f" ON CONFLICT ({', '.join(HOUR_KEY)}) DO UPDATE SET {sums}"

    def _insert(
        self, connection: Connection, head: str, rows: Sequence[tuple[Any, ...]], tail: str = ""
    ) -> None:
        """Many rows a statement: fewer round trips, and with SQLite fewer turns of the interpreter's lock."""
        marks = f"({self._marks(len(rows[0]))})"
        for some in _chunks(rows, _ROWS_AT_ONCE):
            values = ",".join([marks] * len(some))
            self._execute(
                connection, f"{head} VALUES {values}{tail}", tuple(value for row in some for value in row)
            )

    def _read_balances(self, connection: Connection, users: set[int], tokens: set[int]) -> BalancesRead:
        if not self._accounts:
            return BalancesRead()
        found = BalancesRead(dict.fromkeys(users, 0), dict.fromkeys(tokens, (0, True)))
        for ids in _chunks(sorted(users), _IDS_AT_ONCE):
            rows = self._execute(
                connection, f"SELECT id, quota FROM users WHERE id IN ({','.join(map(str, ids))})"
            )
            found.users.update((key, quota or 0) for key, quota in rows)
        for ids in _chunks(sorted(tokens), _IDS_AT_ONCE):
            rows = self._execute(
                connection,
                f"SELECT id, remain_quota, unlimited_quota FROM tokens WHERE id IN ({','.join(map(str, ids))})",
            )
            found.tokens.update((key, (quota or 0, not unlimited)) for key, quota, unlimited in rows)
        return found

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


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
