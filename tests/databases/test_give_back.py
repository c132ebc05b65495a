"""Taken over, really used, and given back: the seven tables are still what the original's ORM expects to find.

The original itself is not here to try. Instead: the schema is compared line by line with what the recording had; each row
this program has written is held against how the original writes (no NULL where its fields are no pointers, booleans and
numbers in their storage class, known states only, keys without padding); and sums must agree. docs/migrate-from-one-api.md
says what that does and does not show.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from oneapi_app.kit.database import open_database
from oneapi_app.settings import Settings
from tests.support.day import spend_a_day
from tests.support.gateway import running_gateway
from tests.support.recordings import ONE_API_TABLES, Recording, describe_schema
from tests.support.vendor import openai_vendor

pytestmark = pytest.mark.needs_shared

POINTERS = {
    ("channels", "weight"),
    ("channels", "base_url"),
    ("channels", "other"),
    ("channels", "model_mapping"),
    ("channels", "priority"),
    ("channels", "system_prompt"),
    ("tokens", "models"),
    ("tokens", "subnet"),
    ("abilities", "priority"),
}
"""Fields the original declares nullable; a NULL anywhere else breaks its plain reads of one column."""

STATES = {
    ("users", "status"): {1, 2, 3},
    ("users", "role"): {1, 10, 100},
    ("tokens", "status"): {1, 2, 3, 4},
    ("channels", "status"): {0, 1, 2, 3},
    ("redemptions", "status"): {1, 2, 3},
    ("logs", "type"): {1, 2, 3, 4, 5},
}
TEXTS = {
    "abilities": {"group", "model"},
    "channels": {"key", "name", "base_url", "other", "models", "group", "model_mapping", "config", "system_prompt"},
    "logs": {"content", "username", "token_name", "model_name", "request_id"},
    "options": {"key", "value"},
    "redemptions": {"key", "name"},
    "tokens": {"key", "name", "models", "subnet"},
    "users": {
        "username", "password", "display_name", "email", "github_id", "wechat_id", "lark_id", "oidc_id",
        "access_token", "group", "aff_code",
    },
}  # fmt: skip
FLAGS = {
    ("tokens", "unlimited_quota"),
    ("abilities", "enabled"),
    ("logs", "is_stream"),
    ("logs", "system_prompt_reset"),
}
WIDTHS = {("tokens", "key"): 48, ("users", "access_token"): 32, ("redemptions", "key"): 32}

Rows = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


def read_rows(connection: Connection) -> Rows:
    """Table to primary key to row, raw as the engine stores it."""
    keys = {"options": ("key",), "abilities": ("group", "model", "channel_id")}
    found: Rows = {}
    for table in ONE_API_TABLES:
        rows = [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]
        found[table] = {tuple(row[name] for name in keys.get(table, ("id",))): row for row in rows}
    return found


def test_used_and_given_back(recorded: tuple[Recording, Settings], tmp_path: Path) -> None:
    recording, settings = recorded
    database = open_database(settings)
    try:
        with database.engine.connect() as connection:
            schema, before = describe_schema(connection), read_rows(connection)
        with openai_vendor() as vendor, running_gateway(tmp_path, settings) as address:
            used = asyncio.run(spend_a_day(address, vendor, recording.expected))
        with database.engine.connect() as connection:
            after_schema, after = describe_schema(connection), read_rows(connection)
            padded = lengths_of_keys(connection)
        written = rows_written(before, after)
        assert {"users", "tokens", "channels", "logs", "redemptions", "options", "abilities"} == set(written)
        if recording.name != "sqlite-v0.5.4":  # that one lacks columns, which are added: see test_takeover
            assert after_schema == schema
        for table, rows in written.items():
            for row in rows:
                check_row(database.dialect, table, row)
        assert padded <= {(48, 32, 32)}
        check_sums(before, after, used)
    finally:
        database.close_sync()


def rows_written(before: Rows, after: Rows) -> dict[str, list[dict[str, Any]]]:
    """Rows that are new, and of those that changed the columns that did."""
    written: dict[str, list[dict[str, Any]]] = {}
    for table, rows in after.items():
        for key, row in rows.items():
            old = before[table].get(key)
            changed = row if old is None else {n: value for n, value in row.items() if old.get(n) != value}
            if changed:
                written.setdefault(table, []).append(changed)
    return written


def check_row(dialect: str, table: str, row: dict[str, Any]) -> None:
    for name, value in row.items():
        where = f"{table}.{name} of {row.get('id', row)}: {value!r}"
        if value is None:
            assert (table, name) in POINTERS, where
            continue
        if (table, name) in FLAGS:
            kinds: tuple[type, ...] = (bool,) if dialect == "postgresql" else (int,)
            assert type(value) in kinds and value in (0, 1), where
        elif name in TEXTS[table]:
            assert isinstance(value, str) and "\0" not in value, where
        elif name == "balance":
            assert float(value) >= 0, where
        else:
            assert type(value) is int, where
        assert value in STATES.get((table, name), {value}), where
    if "password" in row:
        assert row["password"].startswith(("$2a$10$", "$2b$10$")), "as the original hashes"


def lengths_of_keys(connection: Connection) -> set[tuple[int, int, int]]:
    """Shortest and longest of each fixed-width column, as stored."""
    quote = connection.dialect.identifier_preparer.quote
    found: list[int] = []
    for (table, column), width in WIDTHS.items():
        statement = f"SELECT DISTINCT length({quote(column)}) FROM {table} WHERE {quote(column)} <> ''"
        lengths = {length for (length,) in connection.execute(text(statement))}
        assert lengths == {width}, f"{table}.{column}"
        found.append(width)
    return {(found[0], found[1], found[2])}


def check_sums(before: Rows, after: Rows, calls: int) -> None:
    """What the new log rows say is what users, tokens and channels have more of."""
    new = [row for key, row in after["logs"].items() if key not in before["logs"]]
    consumed = [row for row in new if row["type"] == 2]
    assert len(consumed) == calls
    quota = sum(row["quota"] for row in consumed)
    assert quota > 0

    def grown(table: str, column: str) -> int:
        def total(rows: Rows) -> int:
            return sum(row[column] or 0 for row in rows[table].values())

        return total(after) - total(before)

    assert grown("users", "used_quota") == grown("tokens", "used_quota") == quota
    assert grown("channels", "used_quota") == quota
    assert grown("users", "request_count") == calls
    assert {row["type"] for row in new} == {1, 2, 3, 4, 5}
    for row in after["abilities"].values():
        assert bool(row["enabled"]) is (after["channels"][(row["channel_id"],)]["status"] == 1)
