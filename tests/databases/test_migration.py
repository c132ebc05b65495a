"""Migrating at start: on several nodes at once, on a slave, with a log database, after mishaps."""

import dataclasses
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text
from sqlmodel import select

from oneapi_app.bootstrap import prepare
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import Database, open_database
from oneapi_app.migration import VERSION_TABLE, is_migrated, migrate, tables_of, wait_until_migrated
from oneapi_app.migration.additions import find_columns
from oneapi_app.migration.revisions import LOG_TABLES
from oneapi_app.models import User
from oneapi_app.settings import Settings, default_settings
from tests.support.databases import SERVERS
from tests.support.recordings import find_recording

ROOT = Path(__file__).parents[2]


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close_sync()


def tables_in(connection: Connection) -> set[str]:
    return set(find_columns(connection))


def _start_node(settings: Settings, results) -> None:
    try:
        with opened(settings) as database:
            results.put(prepare(database, settings))
    except Exception as error:
        results.put(repr(error))


def start_nodes(settings: Settings, count: int) -> list[object]:
    """What ``prepare`` returned (or raised) in each of ``count`` processes started at once."""
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    nodes = [spawn.Process(target=_start_node, args=(settings, results)) for _ in range(count)]
    for node in nodes:
        node.start()
    found = [results.get(timeout=60) for _ in nodes]
    for node in nodes:
        node.join(20)
    return found


def test_nodes_starting_at_once_make_one_database(blank_settings: Settings) -> None:
    found = start_nodes(blank_settings, 3)
    assert sorted(map(str, found)) == ["False", "False", "True"]
    with opened(blank_settings) as database:
        assert is_migrated(database.engine)
        assert [
            user.username for user in database.read_sync(lambda uow: uow.session.exec(select(User)).all())
        ] == ["root"]


@pytest.mark.needs_shared
def test_nodes_starting_at_once_take_over_an_old_database(shared_dir: Path, sqlite_databases) -> None:
    with sqlite_databases.blank() as settings:
        find_recording(shared_dir, "sqlite-v0.5.4").load(settings)
        assert start_nodes(settings, 3) == [False, False, False]
        with opened(settings) as database:
            assert is_migrated(database.engine)


def test_a_slave_waits_and_then_says_what_is_missing(blank_settings: Settings, caplog) -> None:
    caplog.set_level("INFO")
    with opened(blank_settings) as database:
        began = time.monotonic()
        with pytest.raises(SettingsError, match="start the master node first"):
            wait_until_migrated(database, timeout_s=0.2, poll_s=0.05)
        assert time.monotonic() - began < 10
        assert caplog.text.count("waiting for a master") == 1
        with database.engine.connect() as connection:
            assert tables_in(connection) == set(), "a slave migrates nothing"
        migrate(database)
        wait_until_migrated(database, timeout_s=0.2)
        assert caplog.text.count("waiting for a master") == 1
        assert prepare(database, dataclasses.replace(blank_settings, node_type="slave")) is False
        assert database.read_sync(lambda uow: uow.session.exec(select(User)).first()) is None


@pytest.mark.engines(*SERVERS, because="LOG_SQL_DSN names a server")
def test_the_log_database_holds_the_logs(two_blank_settings: list[Settings]) -> None:
    main, log = two_blank_settings
    settings = dataclasses.replace(main, log_sql_dsn=log.sql_dsn)
    with opened(settings) as database:
        assert database.has_own_log_database
        migrate(database)
        migrate(database)
        with database.log_engine.connect() as connection:
            assert tables_in(connection) == LOG_TABLES | {VERSION_TABLE}
        with database.engine.connect() as connection:
            assert tables_in(connection) == {table.name for table in tables_of()} | {VERSION_TABLE}
        wait_until_migrated(database, timeout_s=1)


@pytest.mark.needs_postgres
def test_sqlite_with_its_log_on_a_server(tmp_path: Path, postgres_databases) -> None:
    with postgres_databases.blank() as log:
        settings = default_settings(sqlite_path=str(tmp_path / "one-api.db"), log_sql_dsn=log.sql_dsn)
        with opened(settings) as database:
            assert prepare(database, settings)
            assert database.engine.dialect.name == "sqlite"
            assert database.log_engine.dialect.name == "postgresql"


def test_a_dump_loaded_over_a_migrated_database_is_completed(database_settings: Settings) -> None:
    """Loading an old dump brings back tables without later columns, while the version says all is done."""
    with opened(database_settings) as database:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE logs DROP COLUMN elapsed_time")
            connection.exec_driver_sql("ALTER TABLE oneapi_sessions DROP COLUMN address")
        assert not is_migrated(database.engine)
        migrate(database)
        assert is_migrated(database.engine)
        with database.engine.connect() as connection:
            assert "elapsed_time" in find_columns(connection)["logs"]


def test_a_database_of_a_newer_program(blank_settings: Settings) -> None:
    """Going back to the version before must work; a schema that lacks something cannot be completed, though."""
    with opened(blank_settings) as database:
        migrate(database)
        with database.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
            connection.exec_driver_sql("ALTER TABLE logs ADD COLUMN of_the_future integer")
        migrate(database)
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE logs DROP COLUMN elapsed_time")
        with pytest.raises(SettingsError, match="newer version"):
            migrate(database)


def test_alembic_by_hand(blank_settings: Settings) -> None:
    environment = os.environ | {"SQL_DSN": blank_settings.sql_dsn, "SQLITE_PATH": blank_settings.sqlite_path}
    program = Path(sys.executable).with_name("alembic")

    def alembic(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    assert alembic("current").strip() == ""
    alembic("upgrade", "head")
    assert "(head)" in alembic("current")
    with opened(blank_settings) as database:
        assert is_migrated(database.engine)


def test_duplicates_do_not_stop_the_start(blank_settings: Settings, caplog) -> None:
    """A database whose unique index is missing and could not be made: everything else is added, and it says so."""
    with opened(blank_settings) as database:
        with database.engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE users (id integer PRIMARY KEY, username varchar(20), password text)")
            )
            connection.execute(text("INSERT INTO users VALUES (1, 'a', ''), (2, 'a', ''), (3, NULL, '')"))
        migrate(database)
        assert "uni_users_username" in caplog.text
        assert "1 values of username occur more than once" in caplog.text
        assert is_migrated(database.engine)


def test_the_index_over_channel_keys_goes_on_mysql_only(blank_settings: Settings) -> None:
    with opened(blank_settings) as database:
        with database.engine.begin() as connection:
            quote = connection.dialect.identifier_preparer.quote
            connection.exec_driver_sql(
                f"CREATE TABLE channels (id integer PRIMARY KEY, {quote('key')} varchar(191) NOT NULL)"
            )
            connection.exec_driver_sql(f"CREATE INDEX idx_channels_key ON channels ({quote('key')})")
        migrate(database)
        with database.engine.connect() as connection:
            indexes = {index["name"] for index in inspect(connection).get_indexes("channels")}
        assert ("idx_channels_key" in indexes) == (database.dialect != "mysql")
        assert "idx_channels_name" in indexes


@pytest.mark.needs_mysql
def test_a_mysql_database_with_another_charset_gets_utf8_tables(mysql_databases) -> None:
    with mysql_databases.blank() as settings, opened(settings) as database:
        with database.engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {database.engine.url.database} CHARACTER SET latin1")
        assert prepare(database, settings)
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE users SET display_name = '小猫🐱'"))
            assert connection.execute(text("SELECT display_name FROM users")).scalar() == "小猫🐱"


def test_names_of_our_own_tables_keep_their_case(database: Database) -> None:
    row = "INSERT INTO oneapi_usage_hours VALUES (0, 1, 'u', '{}', 'm', 1, 1, 1, 1, 1, 1, 1, 1, 1)"
    with database.engine.begin() as connection:
        connection.exec_driver_sql(row.format("Prod"))
        connection.exec_driver_sql(row.format("prod"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"sql_dsn": "postgres://u:s3cret@127.0.0.1:1/db"},
            "SQL_DSN: cannot use PostgreSQL at 127.0.0.1:1/db",
        ),
        ({"sql_dsn": "u:s3cret@tcp(127.0.0.1:1)/db"}, "SQL_DSN: cannot use MySQL at 127.0.0.1:1/db"),
        ({"sqlite_path": "/nowhere/x.db"}, "SQLITE_PATH: cannot use SQLite file /nowhere/x.db"),
    ],
)
def test_an_unreachable_database_is_one_clear_line(settings: dict[str, str], says: str) -> None:
    with opened(default_settings(**settings)) as database, pytest.raises(SettingsError) as caught:
        migrate(database)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.needs_mysql
def test_a_wrong_password_is_one_clear_line(mysql_databases) -> None:
    with mysql_databases.blank() as settings:
        wrong = dataclasses.replace(settings, sql_dsn=settings.sql_dsn.replace(":oneapi@", ":s3cret@"))
        with opened(wrong) as database, pytest.raises(SettingsError, match="Access denied") as caught:
            migrate(database)
        assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "one-api.db"
    path.write_text("this is a text, long enough to be looked at as a database file, but it is none\n" * 40)
    with (
        opened(default_settings(sqlite_path=str(path))) as database,
        pytest.raises(SettingsError, match=r"SQLITE_PATH: .*not a database"),
    ):
        migrate(database)
