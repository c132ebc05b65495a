"""One build works wherever it is reached: another port, a mapped port, behind a TLS proxy."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import make_certificates
from tests.support.servers import free_port

pytestmark = pytest.mark.needs_browser


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


@contextmanager
def forwarded(target: int, tls: ssl.SSLContext | None) -> Iterator[int]:
    """A port in front of another, as ``docker -p`` or a TLS proxy would be; the bytes pass unchanged."""
    port, ready, ended = free_port(), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", port, ssl=tls)
        loops.append(asyncio.get_running_loop())
        ready.set()
        await ended.wait()
        server.close()

    # A thread of its own: Playwright's loop already runs in this one.
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(5)
    yield port
    loops[0].call_soon_threadsafe(ended.set)
    thread.join(5)


def assert_alive(page: Any, sockets: list[str], address: str) -> None:
    """The page's socket goes where the page came from, and an event has been answered over it."""
    page.wait_for_function("() => localStorage.getItem('oneapi.site')?.includes('version\":\"1')")
    assert sockets[0].startswith(address.replace("http", "ws", 1) + "/_event")


def look(open_page: Callable[..., Any], address: str) -> None:
    sockets: list[str] = []
    page = open_page("about:blank")
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{address}/about")
    assert_alive(page, sockets, address)


def test_on_its_port(site: Any, open_page: Callable[..., Any]):
    look(open_page, site.address)


def test_behind_a_mapped_port(site: Any, open_page: Callable[..., Any]):
    with forwarded(site.port, None) as port:
        look(open_page, f"http://127.0.0.1:{port}")


def test_behind_tls_on_a_port_of_its_own(site: Any, open_page: Callable[..., Any], tmp_path: Path):
    certificates = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.cert, certificates.key)
    with forwarded(site.port, context) as port:
        look(open_page, f"https://localhost:{port}")
