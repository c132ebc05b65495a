"""Looks at a database without touching it, and says what an operator should know before switching to this program.

``doctor`` prints what this finds. Every function answers findings, worst cases included, and never raises for what
the rows hold.
"""

import enum
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Table, inspect

from oneapi_app.kit.dsn import DatabaseAddress
from oneapi_app.migration import tables_of
from oneapi_app.migration.additions import find_additions, find_columns
from oneapi_app.models.columns import Flag

CLOCK_TOLERANCE_S = 5.0
_SMALL_TABLES = ("users", "tokens", "channels", "redemptions", "options", "abilities")
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")


class Level(enum.Enum):
    """How much a finding matters. A problem keeps the program, or somebody's access, from working."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    text: str


def examine_server(connection: Connection, address: DatabaseAddress) -> Iterator[Finding]:
    """Version, encryption, clock and rights of a database server; nothing of the sort exists for SQLite."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        answer = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        level = Level.OK if answer == "ok" else Level.PROBLEM
        yield Finding(level, f"SQLite's own check of the file: {answer}")
        return
    yield Finding(Level.OK, f"server version {connection.exec_driver_sql('SELECT version()').scalar()}")
    yield _examine_encryption(connection, address)
    yield _examine_clock(connection)
    if dialect == "postgresql":
        may = connection.exec_driver_sql("SELECT has_schema_privilege(current_schema(), 'CREATE')").scalar()
        if may is None:
            yield Finding(Level.PROBLEM, "none of the schemas in search_path exists (CREATE SCHEMA)")
        elif not may:
            yield Finding(
                Level.PROBLEM, "the database user may not create tables in its schema (GRANT CREATE)"
            )
    else:
        yield from _examine_charset(connection)


def _examine_encryption(connection: Connection, address: DatabaseAddress) -> Finding:
    if connection.dialect.name == "postgresql":
        encrypted = connection.exec_driver_sql(
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        ).scalar()
    else:
        encrypted = connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1]
    if encrypted:
        return Finding(Level.OK, "the connection is encrypted")
    host = str(address.url.host or "")
    near = not host or host.startswith(("127.", "/", "10.", "192.168.")) or "." not in host
    advice = "tls=true" if connection.dialect.name == "mysql" else "sslmode=require"
    if near:
        return Finding(Level.NOTE, f"the connection is not encrypted ({advice} would)")
    return Finding(
        Level.WARNING, f"the connection to {host} is not encrypted; add {advice} to {address.variable}"
    )


def _examine_clock(connection: Connection) -> Finding:
    statement = {
        "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
        "mysql": "SELECT unix_timestamp()",
    }[connection.dialect.name]
    before = time.time()
    there = float(connection.exec_driver_sql(statement).scalar_one())
    after = time.time()
    skew_s = there - after if there > after else min(there - before, 0.0)
    if abs(skew_s) <= CLOCK_TOLERANCE_S:
        return Finding(Level.OK, "this machine's clock and the server's agree")
    return Finding(
        Level.WARNING,
        f"the server's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} this machine's: token "
        "expiry, sessions and log times will be off; synchronise both (NTP)",
    )


def _examine_charset(connection: Connection) -> Iterator[Finding]:
    rows = connection.exec_driver_sql(
        "SELECT t.table_name, c.character_set_name FROM information_schema.tables t "
        "JOIN information_schema.collation_character_set_applicability c ON c.collation_name = t.table_collation "
        "WHERE t.table_schema = database() AND c.character_set_name <> 'utf8mb4'"
    )
    known = {table.name for table in tables_of()}
    for table, charset in rows:
        if table in known:
            yield Finding(
                Level.WARNING,
                f"table {table} is in {charset}: some characters (emoji, rare Chinese) cannot be stored; "
                f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 repairs it",
            )


def examine_schema(connection: Connection, *, log_database: bool = False) -> Iterator[Finding]:
    """What the first start would add, and what in the schema stands in the way of using it."""
    tables = tables_of(log_database=log_database)
    found = find_columns(connection)
    ours = {table.name for table in tables}
    present = found.keys() & ours
    if not present:
        yield Finding(Level.OK, f"a new database: the first start creates {len(ours)} tables")
        return
    if not log_database and "abilities" not in found and "channels" in found:
        yield Finding(
            Level.WARNING,
            "a database of One API before v0.4 (no table abilities): start v0.6 of the original on it once, and "
            "save each channel there, so that its models are known",
        )
    additions = find_additions(connection, tables)
    for addition in additions:
        if addition.blocked:
            yield Finding(Level.WARNING, f"cannot add {addition.what}: {addition.blocked}")
        else:
            yield Finding(Level.NOTE, f"the first start adds {addition.what}")
    if not additions:
        yield Finding(Level.OK, "every table, column and index is there already")
    yield from _examine_types(connection, [table for table in tables if table.name in present])


def _examine_types(connection: Connection, tables: list[Table]) -> Iterator[Finding]:
    """Columns that older versions made narrower; they stay as they are unless the operator widens them."""
    if connection.dialect.name == "sqlite":
        return
    for table in tables:
        there = {column["name"]: column["type"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            kind = there.get(column.name)
            narrow = isinstance(kind, Integer) and not isinstance(kind, BigInteger)
            if narrow and isinstance(column.type, Integer) and "quota" in column.name:
                yield Finding(
                    Level.WARNING,
                    f"{table.name}.{column.name} is {kind}: balances over 2,147,483,647 (4,294 dollars) do not "
                    "fit; widen the column to bigint",
                )
        key_length = getattr(there.get("key"), "length", None)
        if table.name == "channels" and key_length:
            yield Finding(
                Level.WARNING,
                f"channels.key holds {key_length} characters: longer keys are refused; "
                "ALTER TABLE channels MODIFY COLUMN `key` text widens it",
            )


def examine_rows(connection: Connection) -> Iterator[Finding]:
    """Rows that this program cannot read, or that will not do what their owners expect."""
    found = find_columns(connection)
    counted: list[str] = []
    for table in tables_of():
        if table.name not in found or table.name.startswith("oneapi_"):
            continue
        quoted = connection.dialect.identifier_preparer.quote(table.name)
        rows = connection.exec_driver_sql(f"SELECT count(*) FROM {quoted}").scalar_one()  # noqa: S608
        counted.append(f"{rows} {table.name}")
        if table.name == "logs":
            if connection.dialect.name == "sqlite":
                yield from _examine_log_types(connection, table, found["logs"])
        elif table.name in _SMALL_TABLES:
            yield from _examine_values(connection, table, found[table.name])
    if counted:
        yield Finding(Level.OK, "rows: " + ", ".join(counted))
    if found.keys() >= {"users", "tokens", "channels"}:
        yield from _examine_users(connection)
        yield from _examine_tokens(connection)
        yield from _examine_channels(connection, found["channels"])


def _examine_log_types(connection: Connection, table: Table, present: set[str]) -> Iterator[Finding]:
    """SQLite stores a text in an integer column if asked to. One pass, without fetching the rows."""
    columns = [column.name for column in table.columns if _is_whole(column.type) and column.name in present]
    wrong = " OR ".join(f"typeof(`{name}`) NOT IN ('integer', 'null')" for name in columns)
    bad = connection.exec_driver_sql(f"SELECT count(*) FROM `logs` WHERE {wrong}").scalar_one()  # noqa: S608
    if bad:
        yield Finding(Level.PROBLEM, f"{bad} rows of logs hold something else than numbers in number columns")


def _examine_values(connection: Connection, table: Table, present: set[str]) -> Iterator[Finding]:
    columns = [column for column in table.columns if column.name in present]
    quote = connection.dialect.identifier_preparer.quote
    listed = ", ".join(quote(column.name) for column in columns)
    rows = connection.exec_driver_sql(f"SELECT {listed} FROM {quote(table.name)}")  # noqa: S608 - our names
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            if not _is_readable(value, column.type):
                kind = type(value).__name__
                yield Finding(
                    Level.PROBLEM,
                    f"{table.name}: the row {_name_row(table, columns, row)} has a {kind} in {column.name}",
                )


def _is_whole(kind: Any) -> bool:
    return isinstance(kind, Integer | Flag)


def _is_readable(value: Any, kind: Any) -> bool:
    if value is None:
        return True
    if isinstance(kind, Flag):
        return value in (0, 1)
    if isinstance(kind, Integer):
        return isinstance(value, int)
    return not isinstance(value, bytes)


def _name_row(table: Table, columns: list[Any], row: Any) -> str:
    keys = table.primary_key.columns.keys()
    named = [str(value) for column, value in zip(columns, row, strict=True) if column.name in keys]
    return "/".join(named)


def _examine_users(connection: Connection) -> Iterator[Finding]:
    users = connection.exec_driver_sql("SELECT username, password, role, status FROM users").all()
    if users and not any(role == 100 and status == 1 for _, _, role, status in users):
        yield Finding(Level.PROBLEM, "no enabled user has the role 100 (root): nobody can change the options")
    foreign = [
        str(name)
        for name, password, _, status in users
        if status != 3 and password and not _BCRYPT.fullmatch(str(password).strip())
    ]
    if foreign:
        yield Finding(
            Level.WARNING,
            f"{len(foreign)} users have a password hash that is not bcrypt and cannot sign in: {_some(foreign)}",
        )


def _examine_tokens(connection: Connection) -> Iterator[Finding]:
    key = connection.dialect.identifier_preparer.quote("key")
    tokens = connection.exec_driver_sql(f"SELECT id, {key}, user_id FROM tokens").all()  # noqa: S608
    unusable = [str(id_) for id_, text, _ in tokens if not str(text or "").strip() or "-" in str(text)]
    if unusable:
        yield Finding(
            Level.NOTE, f"{len(unusable)} tokens have a key that no request can name (id {_some(unusable)})"
        )
    users = {id_ for (id_,) in connection.exec_driver_sql("SELECT id FROM users")}
    orphans = [str(id_) for id_, _, user_id in tokens if user_id not in users]
    if orphans:
        yield Finding(
            Level.NOTE, f"{len(orphans)} tokens belong to no user and do not work (id {_some(orphans)})"
        )


def _examine_channels(connection: Connection, present: set[str]) -> Iterator[Finding]:
    for column in ("config", "model_mapping"):
        if column not in present:
            continue
        rows = connection.exec_driver_sql(f"SELECT id, {column} FROM channels").all()  # noqa: S608
        broken = [str(id_) for id_, text in rows if not _is_json_object(text)]
        if broken:
            yield Finding(
                Level.WARNING,
                f"{len(broken)} channels have a {column} that is no JSON object and counts as empty "
                f"(id {_some(broken)})",
            )


def _is_json_object(text: Any) -> bool:
    if text is None or not str(text).strip():
        return True
    try:
        return isinstance(json.loads(str(text)), dict)
    except (ValueError, RecursionError):
        return False


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
