"""The two servers every run compares: ours with everything on, and the bare floor."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.load import LoadFailed
from bench.processes import usage_of
from bench.upstream import CONVERTED_MODEL, MODEL, Upstream, wait_for
from oneapi_app.frontend_build import frontend_is_current
from oneapi_app.settings import default_settings
from tests.support.databases import postgres_dsn
from tests.support.gateway import gateway_process
from tests.support.servers import free_port, start_postgres, start_redis

TLS_MODEL = "gpt-4o"
STREAM_MODEL = "gpt-4.1-mini"
_OPENAI, _ANTHROPIC = 1, 14
_ACCESS = "b" * 32
_QUOTA = 10**14
"""More than any run spends, and limited, so that every reservation is checked."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Ours while it runs. ``key`` is that of a token with a limited quota of a common kind."""

    address: str
    pid: int
    key: str
    with_console: bool
    database: Path
    start_s: float
    """From the command to the first answer, on a database and a console that are there already."""
    start_mb: float

    @property
    def chat_url(self) -> str:
        return f"{self.address}/v1/chat/completions"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer sk-{self.key}"}

    def settled(self) -> None:
        """Everything answered so far is in the database: this figure is read behind the ledger's last batch."""
        httpx.get(
            f"{self.address}/dashboard/billing/usage", headers=self.headers, timeout=30
        ).raise_for_status()

    def check_books(self, at_least: int) -> None:
        """Every call has its log row, and rows and counters agree; LoadFailed otherwise."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            rows, units = database.execute("SELECT COUNT(*), SUM(quota) FROM logs WHERE type = 2").fetchone()
            calls, used = database.execute("SELECT SUM(request_count), SUM(used_quota) FROM users").fetchone()
        if rows < at_least or (rows, units) != (calls, used):
            raise LoadFailed(
                f"{at_least} calls were answered, {rows} logged and {calls} counted; "
                f"{units} units logged and {used} charged"
            )


@contextlib.contextmanager
def running_gateway(directory: Path, upstream: Upstream, **environment: str) -> Iterator[Gateway]:
    """Started twice: the first start makes database, channels and token, the second one is measured."""
    console = frontend_is_current()
    start = partial(
        gateway_process,
        directory,
        default_settings(sqlite_path=str(directory / "one-api.db")),
        LEDGER_BATCH_MS="",  # as it is by default; tests have less patience
        INITIAL_ROOT_PASSWORD="a password",
        INITIAL_ROOT_ACCESS_TOKEN=_ACCESS,
        SSL_CERT_FILE=str(upstream.authority),
        **environment,
    )
    with start(console=False) as (address, process):
        key = _prepare(address, upstream)
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    began = time.monotonic()
    with start(console=console) as (address, process):
        start_s = time.monotonic() - began
        yield Gateway(
            address,
            process.pid,
            key,
            console,
            directory / "one-api.db",
            start_s,
            usage_of(process.pid).resident_mb,
        )
        process.send_signal(signal.SIGTERM)
        process.wait(40)


@contextlib.contextmanager
def running_node(directory: Path, upstream: Upstream) -> Iterator[Gateway]:
    """As one node of several: balances leased from a PostgreSQL, connected to a Redis, both started for it."""
    directory.mkdir()
    postgres, redis = start_postgres(), start_redis()
    try:
        with running_gateway(
            directory,
            upstream,
            SQL_DSN=postgres_dsn(postgres, "postgres"),
            REDIS_CONN_STRING=f"redis://{redis.host}:{redis.port}",
            DATA_DIR=str(directory),
        ) as gateway:
            yield gateway
    finally:
        postgres.stop()
        redis.stop()


def _prepare(address: str, upstream: Upstream) -> str:
    """Channels and a token, over the management API; the token's key."""
    channels = (
        (_OPENAI, upstream.plain, MODEL),
        (_OPENAI, upstream.tls, TLS_MODEL),
        (_OPENAI, upstream.streams, STREAM_MODEL),
        (_ANTHROPIC, upstream.plain, CONVERTED_MODEL),
    )
    for kind, base_url, model in channels:
        fields = {
            "type": kind,
            "name": model,
            "key": "k",
            "base_url": base_url,
            "models": model,
            "group": "default",
        }
        _api("POST", address, "/api/channel/", fields)
    fields = {"name": "bench", "expired_time": -1, "remain_quota": _QUOTA, "unlimited_quota": False}
    token = _api("POST", address, "/api/token/", fields)
    user = _api("GET", address, "/api/user/self")
    _api("POST", address, "/api/topup", {"user_id": user["id"], "quota": _QUOTA})
    return token["key"]


def _api(method: str, address: str, path: str, fields: dict[str, object] | None = None) -> dict[str, Any]:
    answer = httpx.request(
        method, address + path, json=fields, headers={"authorization": _ACCESS}, timeout=30
    ).json()
    if not answer["success"]:
        raise RuntimeError(f"{method} {path}: {answer['message']}")
    return answer.get("data") or {}


@contextlib.contextmanager
def running_floor(upstream: str, authority: Path) -> Iterator[tuple[str, int]]:
    """URL of its only path, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "bench.floor", str(port), upstream]
    process = subprocess.Popen(command, env={**os.environ, "SSL_CERT_FILE": str(authority)})
    try:
        wait_for(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait(10)
