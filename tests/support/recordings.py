"""The databases that One API itself wrote, loaded into real servers, and schemas made comparable."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from oneapi_app.kit.dsn import read_dsn
from oneapi_app.settings import Settings
from tests.support.servers import find_program

ONE_API_TABLES = ("abilities", "channels", "logs", "options", "redemptions", "tokens", "users")


@dataclass(frozen=True)
class Recording:
    """One recorded database; ``expected`` is what a server that took it over must answer."""

    name: str
    engine: str
    file: Path
    expected: dict[str, Any]

    def load(self, settings: Settings) -> None:
        """Into the blank database of the settings."""
        address = read_dsn(settings.sql_dsn, sqlite_path=settings.sqlite_path).url
        if self.engine == "sqlite":
            shutil.copyfile(self.file, str(address.database))
            return
        where = ["-h", str(address.host)]
        if self.engine == "mysql":
            client = find_program("mariadb", "mysql")
            command = [client, "--no-defaults", *where, "-P", str(address.port), "-u", "oneapi", "-poneapi"]
            command += ["--default-character-set=utf8mb4", str(address.database)]
        else:
            client = find_program("psql")
            command = [client, "-X", "-q", "-v", "ON_ERROR_STOP=1", *where, "-p", str(address.port)]
            command += ["-U", "oneapi", str(address.database)]
        with self.file.open("rb") as dump:
            done = subprocess.run(command, stdin=dump, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()


RECORDINGS = {
    "sqlite": ("sqlite", "oneapi-v0.6.11.sqlite"),
    "mysql": ("mysql", "oneapi-v0.6.11.sql"),
    "postgres": ("postgresql", "oneapi-v0.6.11.sql"),
    "sqlite-v0.5.4": ("sqlite", "oneapi-v0.5.4.sqlite"),
}

_MARKS = {"mysql": [pytest.mark.needs_mysql], "postgresql": [pytest.mark.needs_postgres], "sqlite": []}
EVERY_RECORDING = [pytest.param(name, marks=_MARKS[engine]) for name, (engine, _) in RECORDINGS.items()]
"""Parameters of a fixture that takes a recording's name."""


def find_recording(shared_dir: Path, name: str) -> Recording:
    engine, file = RECORDINGS[name]
    directory = shared_dir / "oneapi" / "databases" / name
    expected = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
    return Recording(name, engine, directory / file, expected)


def describe_schema(connection: Connection, tables: tuple[str, ...] = ONE_API_TABLES) -> dict[str, list[str]]:
    """Table to what the engine itself says of its columns, constraints and indexes, in comparable lines."""
    describe = {"sqlite": _sqlite, "mysql": _mysql, "postgresql": _postgres}[connection.dialect.name]
    return {table: describe(connection, table) for table in tables}


def _sqlite(connection: Connection, table: str) -> list[str]:
    rows = connection.exec_driver_sql(
        f"SELECT sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL"
    )
    # A table the original rebuilt is quoted differently: "channels".
    return sorted(re.sub(r'^CREATE TABLE "(\w+)"', r"CREATE TABLE `\1`", sql) for (sql,) in rows)


def _mysql(connection: Connection, table: str) -> list[str]:
    _, statement = connection.exec_driver_sql(f"SHOW CREATE TABLE `{table}`").one()
    lines = [line.strip().rstrip(",") for line in re.sub(r" AUTO_INCREMENT=\d+", "", statement).splitlines()]
    columns = [line for line in lines if line.startswith("`")]
    return columns + sorted(line for line in lines if not line.startswith("`"))


def _postgres(connection: Connection, table: str) -> list[str]:
    columns = connection.exec_driver_sql(
        "SELECT column_name, data_type, character_maximum_length, numeric_precision, column_default, is_nullable "
        f"FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
    )
    constraints = connection.exec_driver_sql(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid = '{table}'::regclass AND contype <> 'n' ORDER BY conname"
    )
    indexes = connection.exec_driver_sql(
        f"SELECT indexdef FROM pg_indexes WHERE tablename = '{table}' ORDER BY indexname"
    )
    return [str(tuple(row)) for rows in (columns, constraints, indexes) for row in rows]
