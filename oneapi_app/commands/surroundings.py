"""What ``doctor`` looks at besides the database: the node's settings, its directories and journals, its Redis."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy import Connection

from oneapi_app.errors import SettingsError
from oneapi_app.migration.additions import find_columns
from oneapi_app.migration.examination import Finding, Level
from oneapi_app.nodes.connection import open_redis
from oneapi_app.settings import VARIABLES, Settings

LONG_SYNC_S = 3600
_JOURNAL = re.compile(r"([0-9a-f]{32})\.\d{6}\.journal")


def examine_settings(settings: Settings) -> Iterator[Finding]:
    """What the variables together mean for this node, and which of them have no effect here."""
    if settings.is_master:
        yield Finding(Level.OK, "NODE_TYPE: a master, which migrates and does the periodic work")
        if settings.frontend_base_url:
            yield Finding(Level.NOTE, "FRONTEND_BASE_URL: ignored on a master")
    else:
        yield Finding(Level.NOTE, "NODE_TYPE: a slave migrates nothing and does no periodic work")
        if not settings.sql_dsn:
            yield Finding(
                Level.WARNING, "SQL_DSN: a slave on a SQLite file of its own shares nothing with its master"
            )
        for name, minutes in (
            ("CHANNEL_TEST_FREQUENCY", settings.channel_test_minutes),
            ("CHANNEL_UPDATE_FREQUENCY", settings.channel_update_minutes),
        ):
            if minutes:
                yield Finding(Level.NOTE, f"{name}: no effect on a slave; set it on the master")
    if settings.redis_url and not settings.sql_dsn:
        yield Finding(
            Level.NOTE,
            "REDIS_CONN_STRING: Redis is for several nodes, which need a database on a server (SQL_DSN)",
        )
    if settings.sync_s > LONG_SYNC_S:
        yield Finding(
            Level.WARNING,
            f"SYNC_FREQUENCY: what another program changes in options and channels counts up to {settings.sync_s} s "
            "later",
        )
    without_effect = [
        variable.name
        for variable in VARIABLES
        if variable.help.startswith("Accepted for compatibility")
        and getattr(settings, variable.field) != variable.default
    ]
    if without_effect:
        yield Finding(Level.NOTE, f"set, but without effect here: {', '.join(without_effect)}")


def examine_files(settings: Settings) -> Iterator[Finding]:
    """Whether everything that has to be written can be."""
    wanted = [("the ledger's journal (DATA_DIR)", settings.journal_dir)]
    if not settings.sql_dsn:
        wanted.append(("the SQLite file (SQLITE_PATH)", Path(settings.sqlite_path).parent))
        if Path(settings.sqlite_path).exists():
            wanted.append(("the database (SQLITE_PATH)", Path(settings.sqlite_path)))
    wanted.append(("log files (LOG_DIR)", Path(settings.log_dir)))
    for what, path in wanted:
        level = Level.OK if _is_writable(path) else Level.PROBLEM
        yield Finding(
            level, f"{path.absolute()} for {what} {'can' if level is Level.OK else 'cannot'} be written"
        )
    damaged = list(settings.journal_dir.glob("*.damaged"))
    if damaged:
        yield Finding(
            Level.WARNING,
            f"damaged journals are kept in {settings.journal_dir}: {len(damaged)}; see docs/ledger.md",
        )


def _is_writable(path: Path) -> bool:
    """Whether this user may write the file, or make files in the directory; one to be made counts as its parent."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
        if path.exists() and not path.is_dir():
            return False
    return os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK)


def examine_journals(settings: Settings, connection: Connection) -> Iterator[Finding]:
    """Journals that lie there: of a process that runs, or left by one that was killed."""
    found = {
        match[1]
        for path in settings.journal_dir.glob("*.journal")
        if (match := _JOURNAL.fullmatch(path.name))
    }
    if not found:
        return
    known: set[str] = set()
    if "oneapi_ledger_cursors" in find_columns(connection):
        known = {
            journal
            for (journal,) in connection.exec_driver_sql("SELECT journal_id FROM oneapi_ledger_cursors")
        }
    if ours := found & known:
        yield Finding(
            Level.NOTE,
            f"journals in {settings.journal_dir} of a process that runs, or of one that was killed, which the next "
            f"start applies: {len(ours)}",
        )
    if strange := found - known:
        yield Finding(
            Level.PROBLEM,
            f"journals in {settings.journal_dir} that belong to another database: {len(strange)}; start once with that "
            "one, or remove them (docs/ledger.md)",
        )


def examine_redis(settings: Settings) -> Iterator[Finding]:
    """One PING, by the way the program itself takes."""
    try:
        asyncio.run(_ping(settings))
    except SettingsError as error:
        yield Finding(Level.PROBLEM, str(error))
    except (RedisError, ValueError, OSError) as error:
        yield Finding(Level.PROBLEM, f"REDIS_CONN_STRING: cannot be used: {type(error).__name__}")
    else:
        yield Finding(Level.OK, "the server answers")


async def _ping(settings: Settings) -> None:
    client = open_redis(settings)
    assert client is not None, "asked only where one is configured"
    try:
        await client.execute_command("PING")
    finally:
        await client.aclose()
