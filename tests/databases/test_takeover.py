"""Databases that One API of 2023 and of 2025 wrote, taken over: nothing is lost, nothing the original looks at changes."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, text
from sqlmodel import Session, select

from oneapi_app.bootstrap import prepare
from oneapi_app.kit.database import Database, open_database
from oneapi_app.kit.passwords import verify_password
from oneapi_app.migration import is_migrated, migrate
from oneapi_app.migration.additions import find_columns
from oneapi_app.models import Ability, Channel, Log, Option, Redemption, Token, User
from oneapi_app.settings import Settings
from tests.support.recordings import (
    EVERY_RECORDING,
    ONE_API_TABLES,
    Recording,
    describe_schema,
    find_recording,
)

pytestmark = pytest.mark.needs_shared


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close_sync()


@pytest.fixture
def taken_over(recorded: tuple[Recording, Settings]) -> Iterator[tuple[Recording, Database]]:
    recording, settings = recorded
    with opened(settings) as database:
        assert prepare(database, settings) is False, "there are users: no second root"
        yield recording, database


@pytest.fixture
def session(taken_over: tuple[Recording, Database]) -> Iterator[Session]:
    with Session(taken_over[1].engine) as opened_session:
        yield opened_session


def expected_of(taken_over: tuple[Recording, Database]) -> dict:
    return taken_over[0].expected


def test_users_keep_password_balance_and_everything_else(taken_over, session: Session) -> None:
    expected = expected_of(taken_over)
    for wanted in expected["users"]:
        user = session.get(User, wanted["id"])
        assert user is not None
        read = user.model_dump()
        for name, value in wanted.items():
            if name != "password":
                assert (read[name] or type(value)()) == value, f"{user.username}.{name}"
        assert verify_password(wanted["password"], user.password), user.username
        assert not verify_password(wanted["password"] + "x", user.password)
    for name, token in expected["access_tokens"].items():
        assert session.exec(select(User.username).where(User.access_token == token)).one() == name
    names = set(session.exec(select(User.username)))
    assert not names & {deleted["username"] for deleted in expected["deleted_users"]}


def test_tokens(taken_over, session: Session) -> None:
    usernames = dict(session.exec(select(User.id, User.username)).all())
    live = [token for token in expected_of(taken_over)["tokens"] if not token.get("deleted")]
    for wanted in live:
        token = session.exec(select(Token).where(Token.key == wanted["key"])).one()
        read = token.model_dump() | {"user": usernames.get(token.user_id)}
        for name, value in wanted.items():
            if name == "status" and wanted["remain_quota"] < 0:
                assert token.status in (1, 4)  # used once more after the answers were recorded: now exhausted
            elif name in read and name not in ("user", "models", "subnet"):
                assert read[name] == value, f"{token.name}.{name}"
        assert (token.models or "") == (wanted.get("models") or "")
        assert (token.subnet or "") == (wanted.get("subnet") or "")
        assert len(token.key or "") == 48, "no padding"
        assert isinstance(token.unlimited_quota, bool)


def test_channels_and_abilities(taken_over, session: Session) -> None:
    for wanted in expected_of(taken_over)["channels"]:
        channel = session.get(Channel, wanted["id"])
        assert channel is not None
        read = channel.model_dump()
        for name, value in wanted.items():
            assert (read[name] or "" if isinstance(value, str) else read[name]) == value, (
                f"{channel.name}.{name}"
            )
        pairs = {
            (group, model)
            for group in (channel.group or "").split(",")
            for model in (channel.models or "").split(",")
        }
        rows = session.exec(select(Ability).where(Ability.channel_id == channel.id)).all()
        assert {(row.group, row.model) for row in rows} == pairs
        assert {row.enabled for row in rows} == {channel.status == 1}


def test_options_redemptions_and_logs(taken_over, session: Session) -> None:
    expected = expected_of(taken_over)
    saved = {option.key: option.value for option in session.exec(select(Option))}
    for name, value in expected["options"].items():
        assert saved.get(name, value) == value, name
    for wanted in expected["redemptions"]:
        code = session.exec(select(Redemption).where(Redemption.key == wanted["key"])).one()
        assert (code.status, code.quota, code.name) == (wanted["status"], wanted["quota"], wanted["name"])
    assert session.exec(select(Redemption).where(Redemption.key == expected["deleted_code"])).first() is None
    kinds = Counter(session.exec(select(Log.type)).all())
    assert kinds.total() == expected["log_rows"]
    assert {str(kind): kinds[kind] for kind in range(6)} == expected["log_rows_by_type"]
    consumed = session.exec(select(func.sum(Log.quota)).where(Log.type == 2)).one()
    assert int(consumed) == expected["consumed_quota"]
    assert all(log.is_stream in (True, False, None) for log in session.exec(select(Log)))


def rows_of(database: Database) -> dict[str, list[tuple]]:
    with database.engine.connect() as connection:
        return {
            table: sorted(map(repr, connection.execute(text(f"SELECT * FROM {table}")).mappings()))
            for table in ONE_API_TABLES
        }


@pytest.mark.parametrize("recorded", EVERY_RECORDING[:3], indirect=True)
def test_nothing_the_last_version_wrote_changes(recorded: tuple[Recording, Settings]) -> None:
    _, settings = recorded
    with opened(settings) as database:
        with database.engine.connect() as connection:
            schema = describe_schema(connection)
        rows = rows_of(database)
        migrate(database)
        with database.engine.connect() as connection:
            assert describe_schema(connection) == schema
        assert rows_of(database) == rows


def test_an_old_database_only_gains(shared_dir: Path, sqlite_databases) -> None:
    recording = find_recording(shared_dir, "sqlite-v0.5.4")
    with sqlite_databases.blank() as settings:
        recording.load(settings)
        before = sqlite3.connect(settings.sqlite_path)
        columns = {
            table: [row[1:] for row in before.execute(f"PRAGMA table_info({table})")]
            for table in ONE_API_TABLES
        }
        rows = {
            table: before.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ONE_API_TABLES
        }
        indexes = dict(before.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
        before.close()
        with opened(settings) as database:
            migrate(database)
        after = sqlite3.connect(settings.sqlite_path)
        for table in ONE_API_TABLES:
            now = [row[1:] for row in after.execute(f"PRAGMA table_info({table})")]
            assert now[: len(columns[table])] == columns[table]
            listed = ", ".join(f"`{column[0]}`" for column in columns[table])
            assert after.execute(f"SELECT {listed} FROM {table} ORDER BY 1, 2").fetchall() == rows[table]
        kept = dict(after.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
        assert indexes.items() <= kept.items()
        assert "uni_users_username" not in kept, "the column is unique already, in its own words"
        after.close()


def test_migrating_twice_changes_nothing(recorded: tuple[Recording, Settings]) -> None:
    _, settings = recorded
    with opened(settings) as database:
        assert not is_migrated(database.engine)
        migrate(database)
        assert is_migrated(database.engine)
        with database.engine.connect() as connection:
            first = describe_schema(connection)
        rows = rows_of(database)
        migrate(database)
        with database.engine.connect() as connection:
            assert describe_schema(connection) == first
        assert rows_of(database) == rows


def test_new_rows_continue_after_the_old_ones(taken_over, session: Session) -> None:
    newest = session.exec(select(func.max(User.id))).one()
    user = User(username="newcomer", password="", access_token="n", aff_code="new1")
    session.add(user)
    session.flush()
    assert user.id == newest + 1
    session.rollback()


LATER_COLUMNS = {
    "channels": ["priority", "config", "system_prompt"],
    "tokens": ["models", "subnet"],
    "users": ["lark_id", "oidc_id"],
    "logs": ["channel_id", "request_id", "elapsed_time", "is_stream", "system_prompt_reset"],
    "abilities": ["priority"],
}
"""What the versions after v0.5.4 brought (contract, appendix A)."""


@pytest.mark.parametrize("recorded", EVERY_RECORDING[1:3], indirect=True)
def test_a_server_database_in_the_shape_of_2023(recorded: tuple[Recording, Settings]) -> None:
    """No file of that age exists for the servers, so the last version's is cut back to it."""
    _, settings = recorded
    with opened(settings) as database:
        with database.engine.begin() as connection:
            wanted = find_columns(connection)
            balances = connection.exec_driver_sql("SELECT id, quota, used_quota FROM users ORDER BY id").all()
            for table, columns in LATER_COLUMNS.items():
                for column in columns:
                    connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
            if database.dialect == "mysql":
                connection.exec_driver_sql("ALTER TABLE users RENAME KEY uni_users_username TO username")
                connection.exec_driver_sql("ALTER TABLE channels MODIFY COLUMN `key` varchar(191) NOT NULL")
                connection.exec_driver_sql("CREATE INDEX idx_channels_key ON channels (`key`)")
            else:
                connection.exec_driver_sql(
                    "ALTER TABLE users RENAME CONSTRAINT uni_users_username TO users_username_key"
                )
        migrate(database)
        with database.engine.begin() as connection:
            found = find_columns(connection)
            assert {table: found[table] for table in ONE_API_TABLES} == wanted
            assert (
                connection.exec_driver_sql("SELECT id, quota, used_quota FROM users ORDER BY id").all()
                == balances
            )
            unique = [index for index in inspect(connection).get_indexes("users") if index["unique"]]
            assert len([index for index in unique if index["column_names"] == ["username"]]) == 1
            names = {index["name"] for index in inspect(connection).get_indexes("channels")}
            assert "idx_channels_key" not in names
        with Session(database.engine) as session:
            for row in session.exec(select(Log)):
                assert (row.request_id, row.elapsed_time, row.is_stream) == ("", 0, False)
            assert {row.priority for row in session.exec(select(Channel))} == {0}
            assert {row.subnet for row in session.exec(select(Token))} == {""}
