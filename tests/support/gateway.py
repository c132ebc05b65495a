"""A real server process of ours, on a free port."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from oneapi_app.settings import Settings
from tests.support.databases import variables_of

PROJECT = Path(__file__).parents[2]
START_S = 90.0
"""A start takes two seconds; a machine that runs many tests at once may need its time."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running_gateway(
    directory: Path, database: Settings, *, console: bool = False, **environment: str
) -> Iterator[str]:
    """Its address. Rate limits are off unless set; ended with SIGTERM, which must leave with status 0."""
    with gateway_process(directory, database, console=console, **environment) as (base_url, process):
        yield base_url
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0, (directory / "server.log").read_text()[-3000:]


@contextlib.contextmanager
def gateway_process(
    directory: Path,
    database: Settings,
    *,
    console: bool = False,
    port: int | None = None,
    **environment: str,
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Address and process; killed at the end if it still runs. ``database``: the settings that lead there."""
    port = port or free_port()
    variables = {
        **os.environ,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        **variables_of(database),
        "DATA_DIR": str(directory),
        "LOG_DIR": str(directory / "logs"),
        "GLOBAL_API_RATE_LIMIT": "0",
        "GLOBAL_WEB_RATE_LIMIT": "0",
        "CRITICAL_RATE_LIMIT": "0",
        "LEDGER_BATCH_MS": "20",
        "CONSOLE_ENABLED": "true" if console else "false",
        "PYTHONPATH": str(PROJECT),
        **environment,
    }
    with (directory / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oneapi_app", "run"], cwd=directory, env=variables, stdout=log, stderr=log
        )
        try:
            base_url = f"http://127.0.0.1:{port}"
            _wait_until_up(base_url, process, directory)
            yield base_url, process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)


def _wait_until_up(base_url: str, process: "subprocess.Popen[bytes]", directory: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{base_url}/api/status", timeout=1).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not start:\n" + (directory / "server.log").read_text()[-3000:])
