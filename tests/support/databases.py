"""Empty, migrated databases for tests, quickly: SQLite copies a file, PostgreSQL a template, MariaDB is emptied."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from oneapi_app.kit.database import open_database
from oneapi_app.migration import migrate, tables_of
from oneapi_app.migration.additions import find_additions
from oneapi_app.settings import Settings, default_settings
from tests.support.servers import Server

SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.needs_postgres),
    pytest.param("mysql", marks=pytest.mark.needs_mysql),
]
ENGINES = [pytest.param("sqlite"), *SERVERS]


def postgres_dsn(server: Server, name: str) -> str:
    return f"postgres://oneapi@{server.host}:{server.port}/{name}?sslmode=disable"


def mysql_dsn(server: Server, name: str) -> str:
    return f"oneapi:oneapi@tcp({server.host}:{server.port})/{name}?charset=utf8mb4&parseTime=True&loc=Local"


def variables_of(settings: Settings) -> dict[str, str]:
    """What leads a process to the same database."""
    return {"SQL_DSN": settings.sql_dsn} if settings.sql_dsn else {"SQLITE_PATH": settings.sqlite_path}


def migrate_and_check(settings: Settings) -> None:
    """Migrates; fails where a model has a table, column or index that no revision adds."""
    database = open_database(settings)
    try:
        migrate(database)
        with database.engine.connect() as connection:
            lacking = [addition.what for addition in find_additions(connection, tables_of())]
    finally:
        database.close_sync()
    assert not lacking, f"models without a revision, see alembic/versions: {lacking}"


@contextmanager
def _statements(url: str) -> Iterator[object]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield lambda statement: connection.execute(text(statement))
    finally:
        engine.dispose()


class SQLiteDatabases:
    """Copies of one migrated file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._template = directory / "template.db"
        migrate_and_check(default_settings(sqlite_path=str(self._template)))

    @contextmanager
    def fresh(self) -> Iterator[Settings]:
        path = self._directory / f"{uuid.uuid4().hex}.db"
        shutil.copy(self._template, path)
        yield default_settings(sqlite_path=str(path))

    @contextmanager
    def blank(self) -> Iterator[Settings]:
        yield default_settings(sqlite_path=str(self._directory / f"{uuid.uuid4().hex}.db"))


class PostgresDatabases:
    """Copies of one migrated template database."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._create("oneapi_template")
        migrate_and_check(self._settings("oneapi_template"))

    @contextmanager
    def fresh(self) -> Iterator[Settings]:
        with self._new("oneapi_template") as settings:
            yield settings

    @contextmanager
    def blank(self) -> Iterator[Settings]:
        with self._new("template0") as settings:
            yield settings

    @contextmanager
    def _new(self, template: str) -> Iterator[Settings]:
        name = f"t_{uuid.uuid4().hex}"
        self._create(name, template)
        yield self._settings(name)
        with self._admin() as execute:
            execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _create(self, name: str, template: str = "template0") -> None:
        with self._admin() as execute:
            execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def _admin(self):
        return _statements(f"postgresql+psycopg2://oneapi@{self._server.host}:{self._server.port}/postgres")

    def _settings(self, name: str) -> Settings:
        return default_settings(sql_dsn=postgres_dsn(self._server, name))


class MySQLDatabases:
    """One migrated database, emptied before each use; tests run one after the other."""

    NAME = "oneapi_migrated"

    def __init__(self, server: Server) -> None:
        self._server = server
        self._create(self.NAME)
        migrate_and_check(self._settings(self.NAME))

    @contextmanager
    def fresh(self) -> Iterator[Settings]:
        with self._admin() as execute:
            for table in tables_of():
                used = execute(f"SELECT EXISTS (SELECT 1 FROM {self.NAME}.{table.name})").scalar()
                counted = execute(
                    "SELECT coalesce(max(auto_increment), 1) FROM information_schema.tables "
                    f"WHERE table_schema = '{self.NAME}' AND table_name = '{table.name}'"
                ).scalar()
                if used or counted > 1:
                    execute(f"TRUNCATE TABLE {self.NAME}.{table.name}")
        yield self._settings(self.NAME)

    @contextmanager
    def blank(self) -> Iterator[Settings]:
        name = f"t_{uuid.uuid4().hex}"
        self._create(name)
        yield self._settings(name)
        with self._admin() as execute:
            execute(f"DROP DATABASE {name}")

    def _create(self, name: str) -> None:
        with self._admin() as execute:
            execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def _admin(self):
        return _statements(
            f"mysql+pymysql://oneapi:oneapi@{self._server.host}:{self._server.port}/?charset=utf8mb4"
        )

    def _settings(self, name: str) -> Settings:
        return default_settings(sql_dsn=mysql_dsn(self._server, name))


Databases = SQLiteDatabases | PostgresDatabases | MySQLDatabases


def databases_of(engine: str, request: pytest.FixtureRequest) -> Databases:
    """Of "sqlite", "postgresql" or "mysql"; the first who asks for a server's waits until it runs."""
    names = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases", "mysql": "mysql_databases"}
    return request.getfixturevalue(names[engine])
