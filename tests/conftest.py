"""Fixtures every area of the suite shares.

``database``             an empty, migrated ``Database`` (no root user); some milliseconds to get
``database_settings``    the ``Settings`` that lead to ``database``, for tests that start processes or open it twice
``blank_settings``       ``Settings`` of a database without any table; ``two_blank_settings``: two
``databases``            what makes those, for fixtures that outlive a test: ``with databases.fresh() as settings``
``postgres_server``, ``mysql_server``, ``redis_server``   real servers, started once per session (``tests.support.servers``)
``redis_url``            an emptied Redis
``shared_dir``           the recordings of the original: ``ONEAPI_SHARED``, or ``shared`` beside the repository

Whatever asks for one of the first four, be it by way of other fixtures, runs three times: on SQLite, PostgreSQL and
MariaDB. Fewer need a reason:

    @pytest.mark.engines("sqlite", because="only SQLite has a file")

    def test_it(database):
        database.run_sync(service.create_token, actor, name="x")     # commits, drops the events
    async def test_events(database):
        await database.run(service.create_token, actor, name="x")    # as the product runs it

A missing program or directory skips the test and says what it needs; with ``ONEAPI_REQUIRE_EVERYTHING=1`` it fails.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oneapi_app.kit.database import Database, open_database
from oneapi_app.settings import Settings
from tests.support.databases import (
    ENGINES,
    Databases,
    MySQLDatabases,
    PostgresDatabases,
    SQLiteDatabases,
    databases_of,
)
from tests.support.servers import (
    Server,
    emptied_redis,
    find_program,
    need,
    start_mysql,
    start_postgres,
    start_redis,
)


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
    return emptied_redis(redis_server)


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SQLiteDatabases:
    return SQLiteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: Server) -> Iterator[PostgresDatabases]:
    made = PostgresDatabases(postgres_server)
    yield made
    made.close()


@pytest.fixture(scope="session")
def mysql_databases(mysql_server: Server) -> Iterator[MySQLDatabases]:
    made = MySQLDatabases(mysql_server)
    yield made
    made.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The one place where tests get their engines. By module: a fixture of a module keeps its database for a while."""
    if "databases" in metafunc.fixturenames:
        metafunc.parametrize("databases", _engines_of(metafunc.definition), indirect=True, scope="module")


def _engines_of(test: pytest.Item) -> list[Any]:
    marker = test.get_closest_marker("engines")
    if marker is None:
        return ENGINES
    assert marker.kwargs["because"], test.nodeid
    return [engine for engine in ENGINES if engine.values[0] in marker.args]


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Databases:
    return databases_of(request.param, request)


@pytest.fixture
def database_settings(databases: Databases) -> Iterator[Settings]:
    with databases.fresh() as settings:
        yield settings


@pytest.fixture
def database(database_settings: Settings) -> Iterator[Database]:
    opened = open_database(database_settings)
    yield opened
    opened.close_sync()


@pytest.fixture
def blank_settings(databases: Databases) -> Iterator[Settings]:
    with databases.blank() as settings:
        yield settings


@pytest.fixture
def two_blank_settings(databases: Databases) -> Iterator[list[Settings]]:
    with databases.blank() as one, databases.blank() as other:
        yield [one, other]
