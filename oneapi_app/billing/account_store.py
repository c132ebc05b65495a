"""The SQL of balances: what a batch takes off them, and what of them is this process's to spend.

On SQLite one process owns the whole balance. On a server's database others may spend as well: each node spends
from its lease, a row that says how much of the balance is its own. Leases change only while the account's row
is locked, so their sum never exceeds the balance by anything a node did. Accounts are locked in the order users,
tokens, channels, each by id, so that nodes never wait in a ring.
"""

# ruff: noqa: S608 - what is written into a statement is a whole number or a name of ours, all else is bound

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.lease import TOKEN, USER, Key, LeaseChange, Share, granted

T = TypeVar("T")
_IDS_AT_ONCE = 100
_ROWS_AT_ONCE = 100
NODE_LIVES_S = 30
"""A node that has given no sign of life for so long is not counted when a balance is shared out."""


class AccountStore(Protocol):
    """How a batch meets the accounts. ``journal_id`` names the node."""

    def settle(
        self,
        connection: Connection,
        journal_id: str,
        batch: Batch,
        users: Iterable[int],
        tokens: Iterable[int],
        changes: Sequence[LeaseChange],
    ) -> BalancesRead:
        """Takes the batch off the accounts; then what this process may spend of these and of those named."""
        ...

    def drop(self, connection: Connection, journal_id: str) -> None:
        """The node is gone: whatever it held is everybody's."""
        ...


class WholeAccounts:
    """One process owns every balance: SQLite."""

    def settle(
        self,
        connection: Connection,
        journal_id: str,
        batch: Batch,
        users: Iterable[int],
        tokens: Iterable[int],
        changes: Sequence[LeaseChange],
    ) -> BalancesRead:
        if batch.settlements:
            _charge(connection, "users", _USER_SIGNS, _user_amounts(batch))
            _charge(connection, "tokens", _TOKEN_SIGNS, _token_amounts(batch))
            _charge(connection, "channels", _CHANNEL_SIGNS, _channel_amounts(batch))
        user_ids = {*users, *batch.users}
        token_ids = {*tokens, *batch.tokens, *batch.unlimited_tokens}
        found = BalancesRead(dict.fromkeys(user_ids, 0), dict.fromkeys(token_ids, (0, True)))
        for key, quota in _rows(connection, "users", "quota", user_ids):
            found.users[key] = quota or 0
        for key, quota, unlimited in _rows(connection, "tokens", "remain_quota, unlimited_quota", token_ids):
            found.tokens[key] = (quota or 0, not unlimited)
        return found

    def drop(self, connection: Connection, journal_id: str) -> None:
        """There is nothing to let go of."""


class LeasedAccounts:
    """Each node owns its leases. Needs READ COMMITTED: what is read under a lock has to be the latest."""

    def __init__(self, dialect: str, now: str) -> None:
        """``now``: SQL for the time in seconds by the database's clock."""
        self._now = now
        self._replace = (
            " ON DUPLICATE KEY UPDATE units = VALUES(units)"
            if dialect == "mysql"
            else " ON CONFLICT (kind, account_id, journal_id) DO UPDATE SET units = excluded.units"
        )

    def settle(
        self,
        connection: Connection,
        journal_id: str,
        batch: Batch,
        users: Iterable[int],
        tokens: Iterable[int],
        changes: Sequence[LeaseChange],
    ) -> BalancesRead:
        user_ids = {*users, *batch.users, *_ids(changes, USER)}
        token_ids = {*tokens, *batch.tokens, *batch.unlimited_tokens, *_ids(changes, TOKEN)}
        totals: dict[Key, int] = {(USER, key): 0 for key in user_ids} | {(TOKEN, key): 0 for key in token_ids}
        unlimited: set[Key] = set()
        for user_id, quota in _rows(connection, "users", "quota", user_ids, lock=True):
            totals[USER, user_id] = quota or 0
        _charge(connection, "users", _USER_SIGNS, _user_amounts(batch))
        rows = _rows(connection, "tokens", "remain_quota, unlimited_quota", token_ids, lock=True)
        for token_id, quota, is_unlimited in rows:
            totals[TOKEN, token_id] = quota or 0
            if is_unlimited:
                unlimited.add((TOKEN, token_id))
        _charge(connection, "tokens", _TOKEN_SIGNS, _token_amounts(batch))
        _lock(connection, "channels", batch.channels)
        _charge(connection, "channels", _CHANNEL_SIGNS, _channel_amounts(batch))
        settled = _settled(batch)
        for key, units in settled.items():
            totals[key] -= units
        return self._change(connection, journal_id, totals, unlimited, settled, changes)

    def _change(
        self,
        connection: Connection,
        journal_id: str,
        totals: Mapping[Key, int],
        unlimited: Container[Key],
        settled: Mapping[Key, int],
        changes: Sequence[LeaseChange],
    ) -> BalancesRead:
        """Brings this node's leases in step with what was settled, what it wants, and what there is."""
        own: dict[Key, int] = {}
        others: dict[Key, int] = {}
        for kind, account_id, holder, units in self._leases(connection, totals):
            if holder == journal_id:
                own[kind, account_id] = units
            else:
                others[kind, account_id] = others.get((kind, account_id), 0) + units
        asked: dict[Key, list[LeaseChange]] = {}
        for change in changes:
            asked.setdefault(change.key, []).append(change)
        other_nodes = self._count_others(connection, journal_id) if changes else 0
        found = BalancesRead()
        after: dict[Key, int] = {}
        for key, total in totals.items():
            elsewhere = others.get(key, 0)
            units = 0
            if key not in unlimited:
                wanted = asked.get(key, ())
                units = max(0, own.get(key, 0) - settled.get(key, 0))
                units = max(0, units - sum(change.give for change in wanted))
                # Less than all leases together: an admin or another program took something off the balance.
                units = max(0, units - max(0, units + elsewhere - total))
                for change in wanted:
                    units += granted(change, total - elsewhere - units, other_nodes)
            after[key] = units
            found.shares[key] = Share(total, elsewhere)
            kind, account_id = key
            if kind == USER:
                found.users[account_id] = units
            else:
                found.tokens[account_id] = (units, key not in unlimited)
        self._write(connection, journal_id, own, after)
        return found

    def _leases(self, connection: Connection, keys: Iterable[Key]) -> Iterator[Any]:
        for kind in (USER, TOKEN):
            for ids in _chunks(sorted(account_id for its_kind, account_id in keys if its_kind == kind)):
                yield from connection.exec_driver_sql(
                    "SELECT kind, account_id, journal_id, units FROM oneapi_account_leases "
                    f"WHERE kind = {kind} AND account_id IN ({_list(ids)})"
                )

    def _count_others(self, connection: Connection, journal_id: str) -> int:
        row = connection.exec_driver_sql(
            "SELECT count(*) FROM oneapi_ledger_cursors "
            f"WHERE journal_id <> %s AND updated_at > {self._now} - {NODE_LIVES_S}",
            (journal_id,),
        ).fetchone()
        return row[0] if row else 0

    def _write(
        self, connection: Connection, journal_id: str, before: Mapping[Key, int], after: Mapping[Key, int]
    ) -> None:
        changed = [(*key, journal_id, units) for key, units in after.items() if units != before.get(key, 0)]
        kept = sorted(row for row in changed if row[-1])
        for rows in _chunks(kept, _ROWS_AT_ONCE):
            connection.exec_driver_sql(
                "INSERT INTO oneapi_account_leases (kind, account_id, journal_id, units) VALUES "
                + ", ".join(["(%s, %s, %s, %s)"] * len(rows))
                + self._replace,
                tuple(value for row in rows for value in row),
            )
        for kind in (USER, TOKEN):
            for ids in _chunks(sorted(row[1] for row in changed if not row[-1] and row[0] == kind)):
                connection.exec_driver_sql(
                    "DELETE FROM oneapi_account_leases "
                    f"WHERE kind = {kind} AND account_id IN ({_list(ids)}) AND journal_id = %s",
                    (journal_id,),
                )

    def drop(self, connection: Connection, journal_id: str) -> None:
        connection.exec_driver_sql("DELETE FROM oneapi_account_leases WHERE journal_id = %s", (journal_id,))


_USER_SIGNS = {"quota": -1, "used_quota": 1, "request_count": 1}
_TOKEN_SIGNS = {"remain_quota": -1, "used_quota": 1, "accessed_time": 0}
_CHANNEL_SIGNS = {"used_quota": 1}


def _user_amounts(batch: Batch) -> dict[int, Sequence[int]]:
    return {key: (units, units, requests) for key, (units, requests) in batch.users.items()}


def _token_amounts(batch: Batch) -> dict[int, Sequence[int]]:
    return {key: (units, units, used_at) for key, (units, used_at) in batch.tokens.items()}


def _channel_amounts(batch: Batch) -> dict[int, Sequence[int]]:
    return {key: (units,) for key, units in batch.channels.items()}


def _settled(batch: Batch) -> dict[Key, int]:
    settled: dict[Key, int] = {(USER, key): units for key, (units, _) in batch.users.items()}
    return settled | {(TOKEN, key): units for key, (units, _) in batch.tokens.items()}


def _charge(
    connection: Connection, table: str, signs: Mapping[str, int], amounts: Mapping[int, Sequence[int]]
) -> None:
    """Adds (1), subtracts (-1) or sets (0) each column. Whole numbers only, hence written into the text."""
    for ids in _chunks(sorted(amounts)):
        changes: list[str] = []
        for place, (column, sign) in enumerate(signs.items()):
            cases = " ".join(f"WHEN {key} THEN {amounts[key][place]}" for key in ids)
            amount = f"CASE id {cases} END"
            sum_ = f"COALESCE({column}, 0) {'-' if sign < 0 else '+'} {amount}" if sign else amount
            changes.append(f"{column} = {sum_}")
        connection.exec_driver_sql(f"UPDATE {table} SET {', '.join(changes)} WHERE id IN ({_list(ids)})")


def _rows(
    connection: Connection, table: str, columns: str, ids: Iterable[int], *, lock: bool = False
) -> Iterator[Any]:
    """Id and columns of the rows there are, by id."""
    for some in _chunks(sorted(ids)):
        yield from connection.exec_driver_sql(
            f"SELECT id, {columns} FROM {table} WHERE id IN ({_list(some)}) ORDER BY id"
            + (" FOR UPDATE" if lock else "")
        )


def _lock(connection: Connection, table: str, ids: Iterable[int]) -> None:
    for some in _chunks(sorted(ids)):
        connection.exec_driver_sql(
            f"SELECT id FROM {table} WHERE id IN ({_list(some)}) ORDER BY id FOR UPDATE"
        )


def _ids(changes: Iterable[LeaseChange], kind: int) -> Iterator[int]:
    return (change.key[1] for change in changes if change.key[0] == kind)


def _list(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))


def _chunks(items: Sequence[T], size: int = _IDS_AT_ONCE) -> Iterator[Sequence[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
