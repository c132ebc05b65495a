"""A Message Pusher on loopback that keeps what it gets."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Pusher:
    """``answer`` is what it says to everybody, as bytes."""

    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    answer: bytes = b'{"success": true, "message": ""}'


@contextlib.contextmanager
def message_pusher() -> Iterator[Pusher]:
    state = Pusher()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", str(len(state.answer)))
            self.end_headers()
            self.wfile.write(state.answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/push/root"
    yield state
    server.shutdown()
    server.server_close()
