"""Taken over, really used, and given back: the seven tables are still what the original's ORM expects to find.

The original itself is not here to try. Instead: the schema is compared line by line with what the recording had; each row
this program has written is held against how the original writes (no NULL where its fields are no pointers, booleans and
numbers in their storage class, known states only, keys without padding); and sums must agree. docs/migrate-from-one-api.md
says what that does and does not show.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from oneapi_app.kit.database import open_database
from oneapi_app.settings import Settings
from tests.support.gateway import running_gateway
from tests.support.recordings import ONE_API_TABLES, RECORDINGS, Recording, describe_schema, find_recording
from tests.support.vendor import openai_vendor

pytestmark = pytest.mark.needs_shared

MARKS = {"mysql": [pytest.mark.needs_mysql], "postgresql": [pytest.mark.needs_postgres], "sqlite": []}
FIXTURES = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases", "mysql": "mysql_databases"}

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


@pytest.fixture(params=[pytest.param(name, marks=MARKS[engine]) for name, (engine, _) in RECORDINGS.items()])
def recorded(request: pytest.FixtureRequest, shared_dir: Path) -> Iterator[tuple[Recording, Settings]]:
    recording = find_recording(shared_dir, request.param)
    with request.getfixturevalue(FIXTURES[recording.engine]).blank() as settings:
        recording.load(settings)
        yield recording, settings


def test_used_and_given_back(recorded: tuple[Recording, Settings], tmp_path: Path) -> None:
    recording, settings = recorded
    environment = {"SQLITE_PATH": settings.sqlite_path}
    if settings.sql_dsn:
        environment = {"SQL_DSN": settings.sql_dsn}
    database = open_database(settings)
    try:
        with database.engine.connect() as connection:
            schema, before = describe_schema(connection), read_rows(connection)
        with openai_vendor() as vendor, running_gateway(tmp_path, **environment) as address:
            used = asyncio.run(use(address, vendor, recording))
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


async def use(address: str, vendor: str, recording: Recording) -> int:
    """A day of a site in half a minute; how many calls were relayed."""
    expected = recording.expected
    passwords = {user["username"]: user["password"] for user in expected["users"]}
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:

        async def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
            answer = await client.request(method, path, json=body, headers=headers)
            assert answer.status_code == 200, (path, answer.text)
            found = answer.json()
            assert found.get("success", True), (path, found)
            return found.get("data", found)

        async def sign_in(name: str, password: str) -> dict[str, str]:
            await call("POST", "/api/user/login", {"username": name, "password": password})
            cookie = client.cookies["session"]
            client.cookies.clear()
            return {"cookie": f"session={cookie}"}

        root = await sign_in("root", passwords["root"])
        alice = await sign_in("alice", passwords["alice"])
        await sign_in("小猫🐱", passwords["小猫🐱"])

        for row in await call("GET", "/api/channel/?p=0", **root) + await call(
            "GET", "/api/channel/?p=1", **root
        ):
            await call("PUT", "/api/channel/", {"id": row["id"], "base_url": vendor, "status": 2}, **root)
        draft = {
            "type": 1,
            "name": "ours 🐱",
            "key": "k1\nk2",
            "models": "gpt-4o-mini,中文",
            "base_url": vendor,
        }
        await call("POST", "/api/channel/", draft | {"group": "default,vip", "config": ""}, **root)
        made = (await call("GET", "/api/channel/?p=0", **root))[:2]
        await call("PUT", "/api/channel/", {"id": made[0]["id"], "priority": 0, "model_mapping": ""}, **root)
        await call("GET", f"/api/channel/test/{made[0]['id']}", **root)
        await call("PUT", "/api/channel/", {"id": made[1]["id"], "status": 2, "weight": 3}, **root)

        await call("PUT", "/api/option/", {"key": "RetryTimes", "value": "1"}, **root)
        await call("PUT", "/api/option/", {"key": "QuotaForInviter", "value": "10"}, **root)
        aff = await call("GET", "/api/user/aff", **alice)
        person = {"username": "newcomer", "password": "password-1", "aff_code": aff}
        await call("POST", "/api/user/register", person)
        newcomer = await sign_in("newcomer", "password-1")
        await call("PUT", "/api/user/self", {"display_name": "新人", "password": "password-2"}, **newcomer)
        newcomer = await sign_in("newcomer", "password-2")
        await call("GET", "/api/user/token", **newcomer)
        await call("POST", "/api/user/", {"username": "leaver", "password": "password-1"}, **root)
        await call("POST", "/api/user/manage", {"username": "leaver", "action": "delete"}, **root)
        await call("POST", "/api/user/manage", {"username": "newcomer", "action": "promote"}, **root)
        dave = next(user for user in expected["users"] if user["username"] == "dave")
        await call(
            "PUT", "/api/user/", {"id": dave["id"], "quota": dave["quota"] + 5, "group": "vip"}, **root
        )
        await call("POST", "/api/topup", {"user_id": dave["id"], "quota": 5, "remark": "付"}, **root)
        await call("POST", "/api/user/topup", {"key": expected["unused_code"]}, **alice)
        codes = await call("POST", "/api/redemption/", {"name": "新", "quota": 0, "count": 2}, **root)
        await call("POST", "/api/user/topup", {"key": codes[0]}, **newcomer)

        keys: list[str] = []
        for draft in ({"name": "bare"}, {"name": "full", "models": "gpt-4o-mini", "subnet": "127.0.0.0/8"}):
            token = await call("POST", "/api/token/", draft | {"remain_quota": 100_000}, **alice)
            keys.append(token["key"])
        edit = {
            "id": token["id"],
            "name": "full 2",
            "remain_quota": 90_000,
            "expired_time": -1,
            "subnet": None,
        }
        await call("PUT", "/api/token/", edit, **alice)
        keys += [found["key"] for found in expected["tokens"] if found["name"] == "loopback"]
        chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "你好"}]}
        calls = [key for key in keys for _ in range(3)]
        for key in calls:
            await call("POST", "/v1/chat/completions", chat, authorization=f"Bearer sk-{key}")
        return len(calls)


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
