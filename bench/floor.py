"""The bare floor: the same server and the same transport as ours, and nothing else. It forwards, that is all.

python -m bench.floor PORT UPSTREAM
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport import Timeouts
from oneapi_app.relay.transport_h1 import H1Transport

_Message = MutableMapping[str, Any]
_LIMIT = 1 << 20


class Floor:
    """Body in, the vendor's body out; the head is fixed but for the length."""

    def __init__(self, upstream: str) -> None:
        self._transport = H1Transport()
        self._url = f"{upstream}/v1/chat/completions"
        self._headers = ((b"content-type", b"application/json"), (b"authorization", b"Bearer sk-floor"))
        self._timeouts = Timeouts()

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        message = await receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        if scope["method"] == "GET":
            answer = b"ok"
        else:
            request = UpstreamRequest("POST", self._url, self._headers, body)
            response = await self._transport.send(request, self._timeouts)
            answer = await response.read(_LIMIT)
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": answer})


def main(port: int, upstream: str) -> None:
    config = uvicorn.Config(
        Floor(upstream),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
