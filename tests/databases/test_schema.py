"""A new database of ours is, in the seven tables, the database the original makes; and the models say what is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from oneapi_app.kit.database import open_database
from oneapi_app.migration import migrate, tables_of
from oneapi_app.migration.additions import add_missing, find_additions, lacks_columns
from oneapi_app.settings import Settings
from tests.support.recordings import describe_schema, find_recording

RECORDING_OF = {"sqlite": "sqlite", "mysql": "mysql", "postgresql": "postgres"}
NAMES = tuple(sorted(table.name for table in tables_of()))


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    database = open_database(settings)
    try:
        with database.engine.begin() as connection:
            yield connection
    finally:
        database.close_sync()


def migrated(settings: Settings) -> Settings:
    database = open_database(settings)
    migrate(database)
    database.close_sync()
    return settings


@pytest.mark.needs_shared
def test_new_database_is_the_originals(two_blank_settings: list[Settings], shared_dir: Path) -> None:
    ours, theirs = two_blank_settings
    with connected(migrated(ours)) as connection:
        our_schema, dialect = describe_schema(connection), connection.dialect.name
    find_recording(shared_dir, RECORDING_OF[dialect]).load(theirs)
    with connected(theirs) as connection:
        assert our_schema == describe_schema(connection)


def test_models_describe_the_migrated_schema(two_blank_settings: list[Settings]) -> None:
    by_revisions, by_models = two_blank_settings
    with connected(migrated(by_revisions)) as connection:
        expected = describe_schema(connection, NAMES)
    with connected(by_models) as connection:
        add_missing(connection, tables_of())
        assert describe_schema(connection, NAMES) == expected


def test_finding_what_is_missing_leaves_the_models_alone(two_blank_settings: list[Settings]) -> None:
    """A table made after another one lacked a constraint still has that constraint."""
    old, new = two_blank_settings
    with connected(old) as connection:
        connection.exec_driver_sql(
            "CREATE TABLE users (id integer PRIMARY KEY, username varchar(20), password text)"
        )
        add_missing(connection, tables_of())
    with connected(new) as connection:
        add_missing(connection, tables_of())
        assert find_additions(connection, tables_of()) == []


def test_nothing_is_missing_afterwards(database_settings: Settings) -> None:
    with connected(database_settings) as connection:
        assert find_additions(connection, tables_of()) == []
        assert not lacks_columns(connection, tables_of())


def test_defaults_fill_rows_the_original_would_write(database_settings: Settings) -> None:
    """Columns left out get the original's defaults, whoever inserts."""
    with connected(database_settings) as connection:
        quote = connection.dialect.identifier_preparer.quote
        connection.exec_driver_sql("INSERT INTO users (username, password) VALUES ('a', '')")
        connection.exec_driver_sql(f"INSERT INTO tokens ({quote('key')}) VALUES ('k')")
        user = connection.exec_driver_sql(
            f"SELECT role, status, quota, used_quota, request_count, {quote('group')} FROM users"
        ).one()
        assert tuple(user) == (1, 1, 0, 0, 0, "default")
        token = connection.exec_driver_sql(
            "SELECT status, expired_time, remain_quota, unlimited_quota, used_quota, models, subnet FROM tokens"
        ).one()
        assert tuple(token) == (1, -1, 0, False, 0, None, "")
