"""A vendor in OpenAI's format on a real socket, with the same short answer for everybody."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROMPT_TOKENS, COMPLETION_TOKENS = 12, 7


def answer_to(model: str) -> dict[str, Any]:
    """A chat completion of ``PROMPT_TOKENS`` and ``COMPLETION_TOKENS``."""
    total = PROMPT_TOKENS + COMPLETION_TOKENS
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_764_000_000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": f"I am {model}"},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": COMPLETION_TOKENS,
            "total_tokens": total,
        },
    }


@contextlib.contextmanager
def openai_vendor(gets: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Its address. POST answers a chat; GET answers from ``gets`` (path -> JSON), 404 otherwise."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._send(200, answer_to(asked.get("model", "")))

        def do_GET(self) -> None:
            found = (gets or {}).get(self.path.partition("?")[0])
            self._send(404, {"error": {"message": "no"}}) if found is None else self._send(200, found)

        def _send(self, status: int, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
