"""Brings a database to this program's schema at start: a new one, or one that One API of any age has used.

The steps are Alembic's (``alembic/versions``); around them stand a lock, so that several nodes may start at once, and
errors that name the setting to look at. Knows nothing of what the rows mean.
"""

import hashlib
import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import SQLModel

import oneapi_app.models  # noqa: F401 - the tables register themselves
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import Database
from oneapi_app.kit.dsn import DatabaseAddress
from oneapi_app.migration.additions import lacks_columns
from oneapi_app.migration.revisions import LOG_TABLES

VERSION_TABLE = "oneapi_alembic_version"
"""Not Alembic's usual name: a database shared with another program may hold that program's table already."""

LOCK_WAIT_S = 300
"""How long a starting node waits for another one's migration."""

_ROOT = Path(__file__).parents[2]
_log = logging.getLogger(__name__)


def migrate(database: Database) -> None:
    """Migrates the main and the log database. Safe on several nodes at once; a second time it changes nothing.

    Raises SettingsError where a database cannot be reached or has been migrated by a newer program.
    """
    for address, engine, log_database in _stores(database):
        with explained(address):
            _migrate_engine(engine, log_database=log_database)


def wait_until_migrated(database: Database, *, timeout_s: float = 60.0, poll_s: float = 0.5) -> None:
    """For a slave: returns once a master has migrated both databases; SettingsError if none does in time."""
    deadline = time.monotonic() + timeout_s
    for address, engine, log_database in _stores(database):
        with explained(address):
            if is_migrated(engine, log_database=log_database):
                continue
            _log.info("database: waiting for a master to bring it up to date, %d s at most", timeout_s)
            while not is_migrated(engine, log_database=log_database):
                if time.monotonic() > deadline:
                    raise SettingsError(
                        f"{address.variable}: {address.place} has not been migrated, and NODE_TYPE=slave does not "
                        "migrate: start the master node first"
                    )
                time.sleep(poll_s)


def is_migrated(engine: Engine, *, log_database: bool = False) -> bool:
    """Whether the newest revision is applied and no table or column is missing (an old dump may have been loaded)."""
    with engine.execution_options(read_only=True).connect() as connection:
        return _is_current(connection, log_database)


def tables_of(*, log_database: bool = False) -> list[Table]:
    """The tables a database is to hold, as the models describe them."""
    return [
        table for name, table in SQLModel.metadata.tables.items() if not log_database or name in LOG_TABLES
    ]


def _stores(database: Database) -> list[tuple[DatabaseAddress, Engine, bool]]:
    stores = [(database.address, database.engine, False)]
    if database.has_own_log_database:
        stores.append((database.log_address, database.log_engine, True))
    return stores


def _migrate_engine(engine: Engine, *, log_database: bool) -> None:
    if is_migrated(engine, log_database=log_database):
        return
    with engine.connect() as connection, _lock(connection):
        if _is_current(connection, log_database):
            return
        config = Config(str(_ROOT / "alembic.ini"))
        config.attributes.update(connection=connection, log_database=log_database)
        head = ScriptDirectory.from_config(config).get_current_head()
        _log.info("database: migrating to revision %s", head)
        logging.getLogger("alembic").setLevel(logging.WARNING)  # what is added says more than how
        if _revision(connection) == head:
            command.stamp(config, "base")  # parts are missing all the same: every revision can be repeated
        command.upgrade(config, "head")
        connection.commit()


def _is_current(connection: Connection, log_database: bool) -> bool:
    """A newer program's database is current too: revisions only add, so what this program needs is all there."""
    if lacks_columns(connection, tables_of(log_database=log_database)):
        return False
    scripts = ScriptDirectory(str(_ROOT / "alembic"))
    known = {script.revision for script in scripts.walk_revisions()}
    revision = _revision(connection)
    if revision is not None and revision not in known:
        _log.warning("database: its revision %s is of a newer version of this program; going on", revision)
        return True
    return revision == scripts.get_current_head()


def _revision(connection: Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()  # noqa: S608


@contextmanager
def _lock(connection: Connection) -> Generator[None]:
    """One migrating process at a time, per database. The connection is closed, not returned to the pool, after."""
    connection.detach()
    match connection.dialect.name:
        case "sqlite":  # the transaction is the lock: BEGIN IMMEDIATE
            raw: Any = connection.connection.dbapi_connection
            raw.execute(f"PRAGMA busy_timeout={LOCK_WAIT_S * 1000}")
            yield
        case "postgresql":  # held by the transaction, so it also works behind a pooler
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('oneapi migration'))")
            yield
        case _:  # DDL commits by itself here: the session holds the lock
            connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}")
            name = "oneapi-" + hashlib.sha256(str(connection.engine.url.database).encode()).hexdigest()[:32]
            if not connection.exec_driver_sql(f"SELECT get_lock('{name}', {LOCK_WAIT_S})").scalar():
                raise SettingsError(
                    "the database is being migrated by another node, for minutes now; try again"
                )
            connection.commit()  # what the other node has done meanwhile becomes visible
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT release_lock('{name}')")


@contextmanager
def explained(address: DatabaseAddress) -> Generator[None]:
    """Turns what the driver or Alembic says into one line that names the setting."""
    try:
        yield
    except CommandError as error:
        raise SettingsError(
            f"{address.variable}: {address.place} has been migrated by a newer version of this program ({error})"
        ) from None
    except (OperationalError, DBAPIError) as error:
        said = _one_line(error) + _hint(error, address)
        raise SettingsError(f"{address.variable}: cannot use {address.place}: {said}") from None


def _one_line(error: DBAPIError) -> str:
    original = error.orig
    arguments = original.args if original is not None else ()
    said = str(arguments[1]) if len(arguments) > 1 else str(original)
    return " ".join(said.split())


def _hint(error: DBAPIError, address: DatabaseAddress) -> str:
    """MariaDB that takes only TLS says no more than that access is denied."""
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if address.connect_args.get("ssl_disabled") and code in (1045, 3159):
        return " (if the server takes only TLS, add tls=true or tls=skip-verify to the parameters)"
    return ""
