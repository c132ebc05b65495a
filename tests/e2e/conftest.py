"""The whole product as a process, and Debian's Chromium looking at it.

``site``      a fresh installation (SQLite in a temporary directory) served on a free port; one per test module
``browser``   Chromium, one per module (while Playwright runs, its event loop owns the thread: no async test could
              run beside it); ``open_page(address, ...)`` gives a page in a context of its own
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from oneapi_app.frontend_build import build_frontend
from tests.support.servers import find_program, free_port, need

PROJECT = Path(__file__).parents[2]
START_TIMEOUT_S = 90.0


@dataclass
class Site:
    """A running installation."""

    process: subprocess.Popen[bytes]
    port: int
    directory: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def start_site(directory: Path, **environment: str) -> Site:
    """Starts the product as an operator does, and waits for its first answer."""
    build_frontend(print)
    port = free_port()
    log = (directory / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "oneapi_app", "run"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PORT": str(port), "HOST": "127.0.0.1", **environment},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/api/status", timeout=2).is_success:
                return Site(process, port, directory)
        except httpx.HTTPError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    pytest.fail("the server did not start:\n" + (directory / "server.log").read_text()[-3000:])


def stop_site(site: Site) -> int:
    """As Ctrl-C; its exit status."""
    if site.process.poll() is None:
        site.process.send_signal(signal.SIGTERM)
    try:
        return site.process.wait(30)
    except subprocess.TimeoutExpired:
        site.process.kill()
        return site.process.wait(10)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = start_site(tmp_path_factory.mktemp("site"))
    yield running
    stop_site(running)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = find_program("chromium", "chromium-browser", "google-chrome")
    need(chromium, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """``open_page(address, locale="zh-CN", color_scheme="dark", width=390)``; errors in the page fail the test."""
    contexts: list[Any] = []
    errors: list[str] = []

    def open_(address: str, *, width: int = 1440, **options: Any) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            ignore_https_errors=True,
            **{"locale": "en-US", **options},
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []
