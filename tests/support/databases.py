"""Empty, migrated databases for tests, quickly: SQLite copies a file, PostgreSQL a template, MariaDB is emptied."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CursorResult, create_engine, text

from oneapi_app.kit.database import open_database
from oneapi_app.migration import migrate, tables_of
from oneapi_app.migration.additions import find_additions
from oneapi_app.settings import Settings, default_settings
from tests.support.servers import Server

ENGINES = [
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.needs_postgres),
    pytest.param("mysql", marks=pytest.mark.needs_mysql),
]
SERVERS = ("postgresql", "mysql")


def postgres_dsn(server: Server, name: str) -> str:
    return f"postgres://oneapi@{server.host}:{server.port}/{name}?sslmode=disable"


def mysql_dsn(server: Server, name: str) -> str:
    return f"oneapi:oneapi@tcp({server.host}:{server.port})/{name}?charset=utf8mb4&parseTime=True&loc=Local"


def variables_of(settings: Settings) -> dict[str, str]:
    """What leads a process to the same database."""
    return {"SQL_DSN": settings.sql_dsn, "SQLITE_PATH": settings.sqlite_path}


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


class _Administrator:
    """A connection to a server that stays open: opening one costs more than what is asked over it."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._connection = self._engine.connect()

    def __call__(self, statement: str) -> CursorResult[Any]:
        return self._connection.execute(text(statement))

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


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
        self._execute = _Administrator(f"postgresql+psycopg2://oneapi@{server.host}:{server.port}/postgres")
        self._create("oneapi_template", "template0")
        migrate_and_check(self._settings("oneapi_template"))

    def close(self) -> None:
        self._execute.close()

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
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _create(self, name: str, template: str) -> None:
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def _settings(self, name: str) -> Settings:
        return default_settings(sql_dsn=postgres_dsn(self._server, name))


class MySQLDatabases:
    """Migrated databases, emptied before each use: as many as were in use at once, mostly one."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._execute = _Administrator(
            f"mysql+pymysql://oneapi:oneapi@{server.host}:{server.port}/?charset=utf8mb4&ssl_disabled=true"
        )
        self._idle = [self._migrated()]

    def close(self) -> None:
        self._execute.close()

    @contextmanager
    def fresh(self) -> Iterator[Settings]:
        name = self._idle.pop() if self._idle else self._migrated()
        self._empty(name)
        yield self._settings(name)
        self._idle.append(name)

    @contextmanager
    def blank(self) -> Iterator[Settings]:
        name = self._create()
        yield self._settings(name)
        self._execute(f"DROP DATABASE {name}")

    def _migrated(self) -> str:
        name = self._create()
        migrate_and_check(self._settings(name))
        return name

    def _empty(self, name: str) -> None:
        """Truncates the tables that have rows or have had some: each costs milliseconds."""
        holding = " UNION ALL ".join(
            f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM {name}.{table.name})" for table in tables_of()
        )
        counting = (
            "SELECT table_name FROM information_schema.tables "
            f"WHERE table_schema = '{name}' AND auto_increment > 1"
        )
        for (table,) in self._execute(f"{holding} UNION {counting}").all():
            self._execute(f"TRUNCATE TABLE {name}.{table}")

    def _create(self) -> str:
        name = f"t_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def _settings(self, name: str) -> Settings:
        return default_settings(sql_dsn=mysql_dsn(self._server, name))


Databases = SQLiteDatabases | PostgresDatabases | MySQLDatabases


def databases_of(engine: str, request: pytest.FixtureRequest) -> Databases:
    """Of "sqlite", "postgresql" or "mysql"; the first who asks for a server's waits until it runs."""
    names = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases", "mysql": "mysql_databases"}
    return request.getfixturevalue(names[engine])
