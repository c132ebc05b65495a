"""The unit of work: one transaction, run in a worker thread, its events delivered after the commit.

Everything here is synchronous SQLAlchemy behind two awaitables, so that no database call ever runs on the
event loop the relay lives on. SQLite gets one writer at a time; other engines get a few retries when the
server reports a deadlock. ``open_database`` is how every part of the program gets one.
"""

import asyncio
import random
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from oneapi_app.kit.dsn import DatabaseAddress, read_dsn
from oneapi_app.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
Subscriber = Callable[[Sequence[Any]], Awaitable[None]]

WORKER_THREADS = 8
"""Database calls under way at once in one process; more wait in line."""

_DEADLOCK_CODES = {"40001", "40P01", 1020, 1205, 1213}
"""SQLSTATEs of PostgreSQL, error numbers of MySQL and MariaDB."""
_ATTEMPTS = 8


class UnitOfWork:
    """One transaction over the main database, and one over the log database where that is another one."""

    def __init__(self, session: Session, log_session: Session) -> None:
        self.session = session
        self.log_session = log_session
        self.events: list[Any] = []

    @property
    def dialect(self) -> str:
        """``sqlite``, ``mysql`` or ``postgresql``."""
        return self.session.get_bind().dialect.name

    def publish(self, happening: Any) -> None:
        """Have this delivered to the subscribers once, and only if, the transaction has committed."""
        self.events.append(happening)


class Database:
    """Engines and the threads that use them. Owns both; ``close`` ends them."""

    def __init__(
        self,
        address: DatabaseAddress | URL | str,
        log_address: DatabaseAddress | URL | str | None = None,
        *,
        sqlite_busy_ms: int = 3000,
        **pool: Any,
    ) -> None:
        self.address = _address(address)
        self.log_address = _address(log_address) if log_address else self.address
        self.engine = build_engine(self.address, sqlite_busy_ms=sqlite_busy_ms, **pool)
        self.log_engine = (
            build_engine(self.log_address, sqlite_busy_ms=sqlite_busy_ms, **pool)
            if log_address
            else self.engine
        )
        self._threads = ThreadPoolExecutor(WORKER_THREADS, thread_name_prefix="database")
        self._subscribers: list[Subscriber] = []
        self._running: set[asyncio.Task[Any]] = set()
        self.write_lock = threading.Lock() if self.dialect == "sqlite" else nullcontext()

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @property
    def has_own_log_database(self) -> bool:
        return self.log_engine is not self.engine

    def subscribe(self, subscriber: Subscriber) -> None:
        """``subscriber(events)`` is awaited after each commit that published something, before ``run`` returns."""
        self._subscribers.append(subscriber)

    async def run(
        self, function: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``function(uow, *args, **kwargs)`` in one committed transaction. A cancelled caller does not undo it."""
        task = asyncio.create_task(self._run(lambda uow: function(uow, *args, **kwargs)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _run(self, function: Callable[[UnitOfWork], T]) -> T:
        loop = asyncio.get_running_loop()
        result, events = await loop.run_in_executor(self._threads, self._transact, function)
        if events:
            for subscriber in self._subscribers:
                await subscriber(events)
        return result

    async def read(
        self, function: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``function(uow, *args, **kwargs)`` in a transaction that is rolled back: for questions only."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self.read_sync(function, *args, **kwargs))

    def run_sync(
        self, function: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As ``run``, for start-up and the command line: in this thread, events dropped."""
        return self._transact(lambda uow: function(uow, *args, **kwargs))[0]

    def read_sync(
        self, function: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As ``read``, in this thread."""
        with self._sessions(read_only=True) as uow:
            return function(uow, *args, **kwargs)

    def _transact(self, function: Callable[[UnitOfWork], T]) -> tuple[T, list[Any]]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.write_lock, self._sessions(read_only=False) as uow:
                    result = function(uow)
                    uow.session.commit()
                    if uow.log_session is not uow.session:
                        uow.log_session.commit()
                    return result, uow.events
            except DBAPIError as error:
                if attempt == _ATTEMPTS or not is_deadlock(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # or the same two meet again
        raise AssertionError("unreachable")

    @contextmanager
    def _sessions(self, *, read_only: bool) -> Generator[UnitOfWork]:
        with self._session(self.engine, read_only) as session:
            if self.log_engine is self.engine:
                yield UnitOfWork(session, session)
            else:
                with self._session(self.log_engine, read_only) as log_session:
                    yield UnitOfWork(session, log_session)

    @contextmanager
    def _session(self, engine: Engine, read_only: bool) -> Generator[Session]:
        bind = engine.execution_options(read_only=True) if read_only else engine
        with Session(bind, expire_on_commit=False) as session:
            yield session

    async def close(self) -> None:
        """Waits for what is under way, then lets go of threads and connections."""
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self.close_sync)

    def close_sync(self) -> None:
        self._threads.shutdown(wait=True)
        self.engine.dispose()
        if self.has_own_log_database:
            self.log_engine.dispose()


def is_deadlock(error: DBAPIError) -> bool:
    """Whether the transaction did no harm and may succeed if run again: deadlock, lock timeout, lost race."""
    original = error.orig
    if original is None:
        return False
    codes = {getattr(original, "pgcode", None), getattr(original, "sqlstate", None), *original.args[:1]}
    return not codes.isdisjoint(_DEADLOCK_CODES) or (
        isinstance(error, OperationalError) and "database is locked" in str(original)
    )


def open_database(settings: Settings) -> Database:
    """The database (and log database) the settings name. Connects to nothing yet; raises SettingsError."""
    address = read_dsn(settings.sql_dsn, sqlite_path=settings.sqlite_path)
    log_address = read_dsn(settings.log_sql_dsn, variable="LOG_SQL_DSN") if settings.log_sql_dsn else None
    kept = min(settings.sql_max_idle, settings.sql_max_open, WORKER_THREADS)
    return Database(
        address,
        log_address,
        sqlite_busy_ms=settings.sqlite_busy_ms,
        pool_size=kept,
        max_overflow=min(settings.sql_max_open, WORKER_THREADS + _OTHER_USERS) - kept,
        pool_recycle=settings.sql_max_lifetime_s,
        echo=settings.debug_sql,
        hide_parameters=True,
    )


_OTHER_USERS = 4
"""Connections besides the workers' at once: the ledger's writer, a migration, start-up."""


def open_read_only(address: DatabaseAddress) -> Engine:
    """For looking at a database that another program may be using: not even SQLite's journal mode changes."""
    if address.url.get_backend_name() != "sqlite":
        return create_engine(address.url, connect_args=dict(address.connect_args), poolclass=NullPool)
    file = Path(str(address.url.database)).absolute().as_uri()
    engine = create_engine(URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"}))

    def prepare(connection: Any, _record: Any) -> None:
        connection.text_factory = _read_text

    event.listen(engine, "connect", prepare)
    return engine


def _address(given: DatabaseAddress | URL | str) -> DatabaseAddress:
    return given if isinstance(given, DatabaseAddress) else DatabaseAddress(make_url(given))


def build_engine(address: DatabaseAddress | URL | str, *, sqlite_busy_ms: int = 3000, **pool: Any) -> Engine:
    """An engine with the product's connection settings. Connects to nothing yet."""
    address = _address(address)
    if address.url.get_backend_name() != "sqlite":
        return create_engine(address.url, connect_args=dict(address.connect_args), pool_pre_ping=True, **pool)
    pool = {name: pool[name] for name in ("echo", "hide_parameters") if name in pool}
    engine = create_engine(
        address.url,
        connect_args={"check_same_thread": False, "timeout": sqlite_busy_ms / 1000},
        pool_size=WORKER_THREADS + _OTHER_USERS,
        **pool,
    )
    event.listen(engine, "connect", partial(_prepare_sqlite, busy_ms=sqlite_busy_ms))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


_PRAGMAS = (
    "synchronous=NORMAL",
    "wal_autocheckpoint=4000",  # pages, 16 MB: each time costs two waits for the disk, and pages written anew are many
    "cache_size=-16000",
    "temp_store=MEMORY",
)


def _prepare_sqlite(connection: Any, _record: Any, *, busy_ms: int) -> None:
    connection.isolation_level = None  # BEGIN is ours: the driver would start write transactions too late
    connection.text_factory = _read_text
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={busy_ms}")
    _use_wal(cursor, busy_ms)
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _read_text(value: bytes) -> str:
    """The original writes whatever bytes a vendor sent; one such row must not make its whole table unreadable."""
    return value.decode("utf-8", "replace")


def _use_wal(cursor: Any, busy_ms: int) -> None:
    """Changing the mode fails at once, whatever the timeout, while another process is at the file: so wait here."""
    deadline = time.monotonic() + busy_ms / 1000
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
