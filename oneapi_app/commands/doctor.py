"""``python -m oneapi_app doctor``: looks before the switch, changes nothing, and says what it would change.

May run beside the original while that serves. Prints no key, no password, no option's value.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection

from oneapi_app.commands.surroundings import (
    examine_files,
    examine_journals,
    examine_redis,
    examine_settings,
)
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import open_read_only
from oneapi_app.kit.dsn import DatabaseAddress, read_dsn
from oneapi_app.kit.passwords import verify_password
from oneapi_app.migration import explained, tables_of
from oneapi_app.migration.additions import find_additions, find_columns
from oneapi_app.migration.examination import Finding, Level, examine_rows, examine_schema, examine_server
from oneapi_app.options import OPTIONS, OptionValues
from oneapi_app.settings import Settings

_MARKS = {Level.OK: "ok", Level.NOTE: "note", Level.WARNING: "WARNING", Level.PROBLEM: "PROBLEM"}


def run_doctor(settings: Settings, out: TextIO) -> int:
    """Prints the findings to ``out``. Exit status: 0 when nothing stands in the way, 1 when something does."""
    levels: list[Level] = []
    for heading, findings in _sections(settings):
        print(heading, file=out)
        for finding in findings:
            levels.append(finding.level)
            print(f"  {_MARKS[finding.level]:8}{finding.text}", file=out)
    problems, warnings = levels.count(Level.PROBLEM), levels.count(Level.WARNING)
    print(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}; nothing was changed.", file=out)
    return 1 if problems else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sections(settings: Settings) -> Iterator[tuple[str, Iterator[Finding]]]:
    yield "Settings", examine_settings(settings)
    yield from _database_sections(settings, log_database=False)
    if settings.log_sql_dsn:
        yield from _database_sections(settings, log_database=True)
    yield "Files", examine_files(settings)
    if settings.redis_url:
        yield "Redis", examine_redis(settings)


def _database_sections(settings: Settings, *, log_database: bool) -> Iterator[tuple[str, Iterator[Finding]]]:
    title = "Log database" if log_database else "Database"
    try:
        if log_database:
            address = read_dsn(settings.log_sql_dsn, variable="LOG_SQL_DSN")
        else:
            address = read_dsn(settings.sql_dsn, sqlite_path=settings.sqlite_path)
    except SettingsError as error:
        yield title, iter([Finding(Level.PROBLEM, str(error))])
        return
    yield f"{title}: {address.place}", _examine_database(settings, address, log_database=log_database)


def _examine_database(
    settings: Settings, address: DatabaseAddress, *, log_database: bool
) -> Iterator[Finding]:
    file = address.url.database or ""
    if address.url.get_backend_name() == "sqlite" and not Path(file).exists():
        if settings.is_master:
            yield Finding(Level.OK, "no such file: the first start creates it")
        else:
            yield Finding(Level.PROBLEM, "no such file, and a slave creates none: start a master first")
        return
    engine = open_read_only(address)
    try:
        with explained(address), engine.connect() as connection:
            yield from examine_server(connection, address)
            yield from examine_schema(connection, log_database=log_database)
            if not settings.is_master and find_additions(connection, tables_of(log_database=log_database)):
                yield Finding(
                    Level.PROBLEM, "NODE_TYPE: a slave adds nothing; start a master on this database first"
                )
            if not log_database:
                yield from examine_rows(connection)
                yield from _examine_options(connection)
                yield from _examine_root(connection)
                yield from examine_journals(settings, connection)
    except SettingsError as error:
        yield Finding(Level.PROBLEM, str(error))
    finally:
        engine.dispose()


def _examine_options(connection: Connection) -> Iterator[Finding]:
    if "options" not in find_columns(connection):
        return
    key = connection.dialect.identifier_preparer.quote("key")
    rows = connection.exec_driver_sql(f"SELECT {key}, value FROM options").all()  # noqa: S608
    stored = {str(name): str(value or "") for name, value in rows}
    for name, reason in OptionValues(stored).unreadable.items():
        yield Finding(Level.WARNING, f"option {name} cannot be read ({reason}): its default will be used")
    if unknown := sorted(stored.keys() - OPTIONS.keys()):
        yield Finding(Level.NOTE, f"options without effect here: {', '.join(unknown)}")


def _examine_root(connection: Connection) -> Iterator[Finding]:
    if "users" not in find_columns(connection):
        return
    rows = connection.exec_driver_sql("SELECT username, password FROM users WHERE role = 100 AND status = 1")
    for name, password in rows:
        if verify_password("123456", str(password or "")):
            yield Finding(
                Level.WARNING, f"{name} still has the password 123456: its sessions may only change it"
            )
