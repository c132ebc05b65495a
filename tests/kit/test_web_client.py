"""The client for the site's own errands, against servers that send too much or nothing at all."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from oneapi_app.kit.web_client import MAX_ANSWER_BYTES, WebClient


class _Server(BaseHTTPRequestHandler):
    over = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/silent":
            self.over.wait(30)
            return
        size = int(self.path.removeprefix("/"))
        self.send_response(418)
        self.send_header("content-length", str(size))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(b"x" * size)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    handler = type("Handler", (_Server,), {"over": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    handler.over.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


async def test_an_answer_up_to_the_limit_and_one_beyond(address: str):
    client = WebClient(5.0)
    answer = await client.request("GET", f"{address}/{MAX_ANSWER_BYTES}")
    assert (answer.status_code, len(answer.content)) == (418, MAX_ANSWER_BYTES)
    with pytest.raises(httpx.DecodingError, match="too large"):
        await client.request("GET", f"{address}/{MAX_ANSWER_BYTES + 1}")
    assert (await client.request("GET", f"{address}/3")).text == "xxx"
    await client.aclose()


async def test_nobody_is_waited_for(address: str):
    client = WebClient(0.1)
    with pytest.raises((httpx.TimeoutException, TimeoutError)):
        await client.request("GET", f"{address}/silent")
    await client.aclose()
