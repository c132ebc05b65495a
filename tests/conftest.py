"""Fixtures every area of the suite shares.

``database``             an empty, migrated SQLite ``Database`` (no root user); a millisecond to get
``any_database``         the same, three times: on SQLite, PostgreSQL and MariaDB
                         (``@pytest.mark.parametrize("any_database_settings", SERVERS, indirect=True)``: fewer)
``database_settings``    the ``Settings`` that lead to ``database``, for tests that start processes or open it twice
``any_database_settings``  the same for ``any_database``
``blank_settings``       ``Settings`` of a database without any table, on the three engines; ``two_blank_settings``: two
``postgres_server``, ``mysql_server``, ``redis_server``   real servers, started once per session (``tests.support.servers``)
``redis_url``            an emptied Redis
``shared_dir``           the recordings of the original: ``ONEAPI_SHARED``, or ``shared`` beside the repository

A test of a service asks for ``any_database`` when it writes SQL whose dialects differ, for ``database`` otherwise:

    def test_it(database):
        database.run_sync(service.create_token, actor, name="x")     # commits, drops the events
    async def test_events(database):
        await database.run(service.create_token, actor, name="x")    # as the product runs it

A missing program or directory skips the test and says what it needs; with ``ONEAPI_REQUIRE_EVERYTHING=1`` it fails.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneapi_app.kit.database import Database, open_database
from oneapi_app.settings import Settings
from tests.support.databases import ENGINES, MySQLDatabases, PostgresDatabases, SQLiteDatabases, databases_of
from tests.support.servers import Server, find_program, need, start_mysql, start_postgres, start_redis


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    beside = Path(__file__).parents[2] / "shared"
    found = Path(os.environ.get("ONEAPI_SHARED") or beside)
    # Not part of the repository, so its absence is no fault anywhere.
    if not (found / "oneapi").is_dir():
        pytest.skip("needs the recordings of the original (ONEAPI_SHARED)")
    return found


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    need(find_program("initdb") and find_program("postgres"), "PostgreSQL")
    server = start_postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[Server]:
    installer = find_program("mariadb-install-db", "mysql_install_db")
    need(installer and find_program("mariadbd", "mysqld"), "MariaDB")
    server = start_mysql()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    need(find_program("redis-server"), "Redis")
    server = start_redis()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: Server) -> str:
    import redis

    url = f"redis://{redis_server.host}:{redis_server.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SQLiteDatabases:
    return SQLiteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: Server) -> PostgresDatabases:
    return PostgresDatabases(postgres_server)


@pytest.fixture(scope="session")
def mysql_databases(mysql_server: Server) -> MySQLDatabases:
    return MySQLDatabases(mysql_server)


@pytest.fixture
def database_settings(sqlite_databases: SQLiteDatabases) -> Iterator[Settings]:
    with sqlite_databases.fresh() as settings:
        yield settings


@pytest.fixture
def database(database_settings: Settings) -> Iterator[Database]:
    opened = open_database(database_settings)
    yield opened
    opened.close_sync()


@pytest.fixture(params=ENGINES)
def any_database_settings(request: pytest.FixtureRequest) -> Iterator[Settings]:
    with databases_of(request.param, request).fresh() as settings:
        yield settings


@pytest.fixture
def any_database(any_database_settings: Settings) -> Iterator[Database]:
    opened = open_database(any_database_settings)
    yield opened
    opened.close_sync()


@pytest.fixture(params=ENGINES)
def blank_settings(request: pytest.FixtureRequest) -> Iterator[Settings]:
    with databases_of(request.param, request).blank() as settings:
        yield settings


@pytest.fixture(params=ENGINES)
def two_blank_settings(request: pytest.FixtureRequest) -> Iterator[list[Settings]]:
    databases = databases_of(request.param, request)
    with databases.blank() as one, databases.blank() as other:
        yield [one, other]
