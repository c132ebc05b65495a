"""Cloudflare's siteverify as the product meets it: a form goes in, a verdict comes out. On loopback."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Siteverify:
    """Takes the answer ``right`` once, with the secret ``s3cret``; ``broken``: answers nonsense."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    broken: bool = False


@contextlib.contextmanager
def siteverify() -> Iterator[Siteverify]:
    state = Siteverify()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(text).items()}
            used = any(each.get("response") == form.get("response") for each in state.asked)
            state.asked.append(form)
            good = form.get("response") == "right" and form.get("secret") == "s3cret" and not used
            verdict = {"success": good, "error-codes": [] if good else ["invalid-input-response"]}
            body = b"<html>" if state.broken else json.dumps(verdict).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/siteverify"
    yield state
    server.shutdown()
    server.server_close()
