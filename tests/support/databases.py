"""Empty, migrated databases for tests, in milliseconds: SQLite copies a file, the servers' are emptied."""

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


class _Migrated:
    """A migrated database of a server, and a connection into it."""

    def __init__(self, name: str, settings: Settings, url: str, schema: str) -> None:
        """``schema``: SQL for where the tables are."""
        self.name = name
        self.settings = settings
        self._schema = schema
        migrate_and_check(settings)
        self.execute = _Administrator(url)
        self._columns = self._read_columns()

    def holding(self) -> list[str]:
        """The tables that have rows."""
        questions = [
            f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM {table.name})" for table in tables_of()
        ]
        return [name for (name,) in self.execute(" UNION ALL ".join(questions))]

    def is_intact(self) -> bool:
        """Whether no test has taken away or renamed something for good."""
        return self._read_columns() == self._columns

    def _read_columns(self) -> set[tuple[Any, ...]]:
        found = self.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            f"WHERE table_schema = {self._schema}"
        )
        return set(map(tuple, found))


class _ServerDatabases:
    """Migrated databases that are emptied before each use, which is quicker than new ones.

    There are as many as were in use at once: one, mostly.
    """

    OF_THE_SERVER: str
    """A database every server has."""
    CREATE: str
    DROP: str
    SCHEMA: str

    def __init__(self, server: Server, url: str) -> None:
        """``url`` of the server, with ``{name}`` for a database's name."""
        self._server = server
        self._url = url
        self._execute = _Administrator(url.format(name=self.OF_THE_SERVER))
        self._idle: list[_Migrated] = []

    @contextmanager
    def fresh(self) -> Iterator[Settings]:
        migrated = self._idle.pop() if self._idle else self._migrate()
        self._empty(migrated)
        yield migrated.settings
        if migrated.is_intact():
            self._idle.append(migrated)
        else:
            migrated.execute.close()
            self._execute(self.DROP.format(name=migrated.name))

    @contextmanager
    def blank(self) -> Iterator[Settings]:
        name = self._create()
        yield self._settings(name)
        self._execute(self.DROP.format(name=name))

    def close(self) -> None:
        for migrated in self._idle:
            migrated.execute.close()
        self._execute.close()

    def _migrate(self) -> _Migrated:
        name = self._create()
        return _Migrated(name, self._settings(name), self._url.format(name=name), self.SCHEMA)

    def _create(self) -> str:
        name = f"t_{uuid.uuid4().hex}"
        self._execute(self.CREATE.format(name=name))
        return name


class PostgresDatabases(_ServerDatabases):
    OF_THE_SERVER = "postgres"
    CREATE = "CREATE DATABASE {name} TEMPLATE template0"
    DROP = "DROP DATABASE {name} WITH (FORCE)"
    SCHEMA = "current_schema()"

    def __init__(self, server: Server) -> None:
        super().__init__(server, f"postgresql+psycopg2://oneapi@{server.host}:{server.port}/{{name}}")

    def _empty(self, migrated: _Migrated) -> None:
        if tables := migrated.holding():
            migrated.execute(f"TRUNCATE {', '.join(tables)}")
        migrated.execute("SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence")

    def _settings(self, name: str) -> Settings:
        return default_settings(sql_dsn=postgres_dsn(self._server, name))


class MySQLDatabases(_ServerDatabases):
    OF_THE_SERVER = "mysql"
    CREATE = "CREATE DATABASE {name} CHARACTER SET utf8mb4"
    DROP = "DROP DATABASE {name}"
    SCHEMA = "database()"

    def __init__(self, server: Server) -> None:
        place = f"{server.host}:{server.port}"
        super().__init__(server, f"mysql+pymysql://oneapi:oneapi@{place}/{{name}}?ssl_disabled=true")

    def _empty(self, migrated: _Migrated) -> None:
        counting = migrated.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = database() AND auto_increment > 1"
        )
        for table in {*migrated.holding(), *(name for (name,) in counting)}:
            migrated.execute(f"TRUNCATE TABLE {table}")

    def _settings(self, name: str) -> Settings:
        return default_settings(sql_dsn=mysql_dsn(self._server, name))


Databases = SQLiteDatabases | PostgresDatabases | MySQLDatabases


def databases_of(engine: str, request: pytest.FixtureRequest) -> Databases:
    """Of "sqlite", "postgresql" or "mysql"; the first who asks for a server's waits until it runs."""
    names = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases", "mysql": "mysql_databases"}
    return request.getfixturevalue(names[engine])
