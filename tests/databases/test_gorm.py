"""One API's ORM starts on a database that was used here, reads what REST said, and writes what is understood again.

One API's own program is not here to try; its ORM is. ``gorm_client`` declares the seven tables as they are documented
and makes the kinds of statements that One API makes.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oneapi_app.channels.policy import public_config
from oneapi_app.kit.database import open_database
from oneapi_app.options import OPTIONS
from oneapi_app.settings import Settings
from tests.support.databases import ENGINES, Databases, SQLiteDatabases, databases_of
from tests.support.day import password_of, settle, spend_a_day, visiting
from tests.support.gateway import running_gateway
from tests.support.gorm import GormClient, Refused, build_gorm_client
from tests.support.recordings import RECORDINGS, Recording, describe_schema, find_recording
from tests.support.vendor import openai_vendor

pytestmark = [pytest.mark.needs_shared, pytest.mark.needs_go]

LAST = {engine: name for name, (engine, file) in RECORDINGS.items() if "v0.6.11" in file}
"""Engine to the recording of the last version."""
INDEXES_OF_2023 = {"idx_channels_key", "idx_logs_created_at", "idx_logs_type", "idx_logs_username"}
"""Lost where the ORM writes a table anew, since no model names them."""
SPENT = 1234
MODEL = "gpt-4o-mini"

Row = dict[str, Any]


@pytest.fixture(scope="session")
def gorm(tmp_path_factory: pytest.TempPathFactory) -> GormClient:
    return build_gorm_client(tmp_path_factory.mktemp("gorm"))


def schema_of(settings: Settings) -> dict[str, list[str]]:
    database = open_database(settings)
    try:
        with database.engine.connect() as connection:
            return describe_schema(connection)
    finally:
        database.close_sync()


def indexes(schema: dict[str, list[str]]) -> set[str]:
    """Of SQLite."""
    return set(re.findall(r"INDEX `(\w+)`", "\n".join(line for lines in schema.values() for line in lines)))


def changes_of_a_start(gorm: GormClient, databases: Databases, recording: Recording) -> list[str]:
    """What the ORM does at each start to a database that only One API has ever seen."""
    with databases.blank() as settings:
        recording.load(settings)
        before = schema_of(settings)
        changes = gorm.start(settings)
        assert schema_of(settings) == before
        return changes


@pytest.mark.parametrize("engine", ENGINES)
def test_the_client_declares_what_one_api_declares(
    gorm: GormClient, engine: str, request: pytest.FixtureRequest, shared_dir: Path
) -> None:
    databases = databases_of(engine, request)
    with databases.blank() as untouched, databases.blank() as made:
        find_recording(shared_dir, LAST[engine]).load(untouched)
        gorm.start(made)
        assert schema_of(made) == schema_of(untouched)


def test_the_client_refuses_what_one_api_refuses(
    gorm: GormClient, sqlite_databases: SQLiteDatabases, shared_dir: Path
) -> None:
    """Its own file of 2023, before it was here."""
    with sqlite_databases.blank() as settings:
        find_recording(shared_dir, "sqlite-v0.5.4").load(settings)
        with pytest.raises(Refused, match="duplicate column name: priority"):
            gorm.start(settings)


def test_a_database_of_one_api(
    gorm: GormClient,
    recorded: tuple[Recording, Settings],
    request: pytest.FixtureRequest,
    shared_dir: Path,
    tmp_path: Path,
) -> None:
    recording, settings = recorded
    before = schema_of(settings)
    with openai_vendor() as vendor:
        with running_gateway(tmp_path, settings) as address:
            asyncio.run(spend_a_day(address, vendor, recording.expected))
            said = asyncio.run(look(address, recording.expected))
        ours = schema_of(settings)
        last = find_recording(shared_dir, LAST[recording.engine])
        usual = changes_of_a_start(gorm, databases_of(recording.engine, request), last)
        changes = gorm.start(settings)
        if recording.name == last.name:
            assert ours == before
            assert changes == usual
            assert schema_of(settings) == before
        else:
            assert indexes(ours) - indexes(schema_of(settings)) == INDEXES_OF_2023
        check_both_ways(gorm, settings, recording.expected, said, vendor, tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_database_of_ours(
    gorm: GormClient, engine: str, request: pytest.FixtureRequest, shared_dir: Path, tmp_path: Path
) -> None:
    databases = databases_of(engine, request)
    with databases.blank() as settings, openai_vendor() as vendor:
        with running_gateway(tmp_path, settings) as address:
            expected = asyncio.run(settle(address))
            asyncio.run(spend_a_day(address, vendor, expected))
            said = asyncio.run(look(address, expected))
        before = schema_of(settings)
        usual = changes_of_a_start(gorm, databases, find_recording(shared_dir, LAST[engine]))
        assert gorm.start(settings) == usual
        assert schema_of(settings) == before
        check_both_ways(gorm, settings, expected, said, vendor, tmp_path)


@dataclass(frozen=True)
class Said:
    """What REST says to root, and to alice of what is hers."""

    users: list[Row]
    channels: list[Row]
    redemptions: list[Row]
    options: list[Row]
    logs: list[Row]
    consumed: int
    tokens: list[Row]
    models: list[str]

    def user(self, name: str) -> Row:
        return next(user for user in self.users if user["username"] == name)


async def look(address: str, expected: dict[str, Any]) -> Said:
    async with visiting(address) as visitor:
        root = await visitor.sign_in("root", password_of(expected, "root"))
        alice = await visitor.sign_in("alice", password_of(expected, "alice"))
        return Said(
            users=await visitor.pages("/api/user/", root),
            channels=await visitor.pages("/api/channel/", root),
            redemptions=await visitor.pages("/api/redemption/", root),
            options=await visitor.call("GET", "/api/option/", **root),
            logs=await visitor.call("GET", "/api/log/?p=0", **root),
            consumed=(await visitor.call("GET", "/api/log/stat?type=2", **root))["quota"],
            tokens=await visitor.pages("/api/token/", alice),
            models=await visitor.call("GET", "/api/user/available_models", **alice),
        )


async def see_counted(address: str, expected: dict[str, Any], consumed: int) -> None:
    """Rows of another program are counted after a start, while it already serves."""
    end = time.monotonic() + 30
    async with visiting(address) as visitor:
        root = await visitor.sign_in("root", password_of(expected, "root"))
        while (found := (await visitor.call("GET", "/api/log/stat?type=2", **root))["quota"]) != consumed:
            assert time.monotonic() < end, (found, consumed)
            await asyncio.sleep(0.1)


def check_both_ways(
    gorm: GormClient, settings: Settings, expected: dict[str, Any], said: Said, vendor: str, directory: Path
) -> None:
    """The ORM reads what REST said; what it then writes, REST says."""
    before = schema_of(settings)
    alice = said.user("alice")
    code = next(row for row in said.redemptions if row["status"] == 1)
    task = {
        "username": "alice",
        "password": password_of(expected, "alice"),
        "token_key": next(token["key"] for token in said.tokens if token["name"] == "full 2"),
        "group": alice["group"],
        "model": MODEL,
        "code": code["key"],
        "spent": SPENT,
        "base_url": vendor,
    }
    seen = gorm.work(settings, task)
    assert schema_of(settings) == before
    check_read(said, seen, task)
    with running_gateway(directory, settings) as address:
        asyncio.run(see_counted(address, expected, said.consumed + SPENT))
        check_written(said, asyncio.run(look(address, expected)), seen, code)
        asyncio.run(use_what_is_new(address))
    assert schema_of(settings) == before


def without(rows: list[Row], *names: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def check_read(said: Said, seen: Row, task: Row) -> None:
    secret = ("password", "access_token", "verification_code")
    assert without(seen["users"], *secret) == without(said.users, *secret)
    assert without([seen["user"]], *secret) == without([said.user("alice")], *secret)
    shown = [row | {"config": public_config(row["config"])} for row in seen["channels"]]
    assert without(shown, "key") == without(said.channels, "key")
    assert seen["tokens"] == said.tokens
    assert seen["token"] in said.tokens
    assert seen["redemptions"] == without(said.redemptions, "count")
    assert seen["logs"] == said.logs
    assert seen["consumed"] == said.consumed
    assert seen["models"] == said.models
    options = {row["key"]: row["value"] for row in said.options}
    secrets = {option.name for option in OPTIONS.values() if option.secret}
    stored = {row["key"]: row["value"] for row in seen["options"]}
    assert {name: value for name, value in stored.items() if name not in secrets}.items() <= options.items()
    assert stored["RetryTimes"] == "1"
    able = [
        (channel["priority"], channel["id"])
        for channel in said.channels
        if channel["status"] == 1 and MODEL in channel["models"].split(",")
        if task["group"] in channel["group"].split(",")
    ]
    read = [(row["priority"], row["channel_id"]) for row in seen["candidates"]]
    assert len(read) > 1 and read == sorted(able, key=lambda found: (-found[0], found[1]))
    assert (seen["chosen"]["priority"], seen["chosen"]["channel_id"]) == read[0]
    assert (seen["channel"]["id"], seen["channel"]["key"]) == (read[0][1], "k3")


def check_written(said: Said, now: Said, seen: Row, code: Row) -> None:
    was, alice = said.user("alice"), now.user("alice")
    assert alice["quota"] == was["quota"] - SPENT + code["quota"]
    assert alice["used_quota"] == was["used_quota"] + SPENT
    assert alice["request_count"] == was["request_count"] + 1

    log = now.logs[0]
    assert (log["type"], log["content"], log["username"], log["quota"]) == (2, "by gorm", "alice", SPENT)
    assert (log["model_name"], log["prompt_tokens"], log["completion_tokens"]) == (MODEL, 3, 4)
    assert log["channel"] == seen["chosen"]["channel_id"]

    tokens = {token["id"]: token for token in now.tokens}
    paying = tokens[seen["token"]["id"]]
    assert paying["remain_quota"] == seen["token"]["remain_quota"] - SPENT
    assert paying["used_quota"] == seen["token"]["used_quota"] + SPENT
    channels = {channel["id"]: channel for channel in now.channels}
    before = next(channel for channel in said.channels if channel["id"] == log["channel"])
    assert channels[log["channel"]]["used_quota"] == before["used_quota"] + SPENT

    new = [channel for channel in now.channels if channel["name"].startswith("gorm")]
    read = {(row["name"], row["status"], row["models"], row["priority"], row["weight"]) for row in new}
    assert read == {("gorm stays", 1, "gorm-model,gorm-other", 7, 0), ("gorm off", 3, "gorm-model", 0, 0)}
    assert next(row for row in now.redemptions if row["id"] == code["id"])["status"] == 3
    assert {"key": "Footer", "value": "gorm"} in now.options
    person = now.user("gorm_person")
    assert (person["role"], person["status"], person["group"], person["quota"]) == (1, 1, "default", 500_000)
    assert (person["display_name"], person["inviter_id"]) == ("高木", alice["id"])


async def use_what_is_new(address: str) -> None:
    """Somebody whom the ORM registered signs in, and their key leads to the channel that the ORM made."""
    async with visiting(address) as visitor:
        person = await visitor.sign_in("gorm_person", "gorm-password")
        (token,) = await visitor.pages("/api/token/", person)
        assert (token["name"], token["unlimited_quota"], token["expired_time"]) == ("default", True, -1)
        answer = await visitor.chat(token["key"], "gorm-other")
        assert answer["choices"][0]["message"]["content"] == "I am gorm-other"
