"""Many event streams held at once: how late their events are, and whether memory stays flat.

Streams are opened one after another, so that the first events are those of a busy server and not of a stampede.
Lateness is from the vendor's send time, which every event carries, to its arrival here.
"""

import asyncio
import json
import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import uvloop

from bench.load import LoadFailed
from bench.processes import usage_of
from bench.stream_upstream import APART_S

_APART_S = 0.01
_SENT_AT = re.compile(rb'"content":"(\d+\.\d+)"')


@dataclass(frozen=True, slots=True)
class Streams:
    """``first_ms`` and ``any_ms``: median and 99th percentile of how late first and all events are.

    Memory in megabytes: before, when the last stream was open, when the first one ended, and afterwards;
    empty where no process was watched.
    """

    count: int
    first_ms: tuple[float, float]
    any_ms: tuple[float, float]
    memory_mb: tuple[float, ...]


class _Caller(asyncio.Protocol):
    """One call. ``late_s``: of each event; ``ended`` is done with the connection or the stream's end."""

    def __init__(self, request: bytes, events: int, ended: "asyncio.Future[bool]") -> None:
        self._request = request
        self._events = events
        self._ended = ended
        self._rest = b""
        self.late_s: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        events = (self._rest + data).split(b"\n\n")
        self._rest = events.pop()
        self.late_s += [now - float(sent.group(1)) for event in events if (sent := _SENT_AT.search(event))]
        if any(event.endswith(b"data: [DONE]") for event in events):
            self._end(complete=len(self.late_s) == self._events)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(complete=False)

    def _end(self, *, complete: bool) -> None:
        if not self._ended.done():
            self._ended.set_result(complete)


def hold_streams(
    url: str, model: str, headers: Mapping[str, str], *, count: int, events: int, pid: int | None = None
) -> Streams:
    """``events``: how many each stream has. Raises LoadFailed where a stream did not come through whole."""
    return uvloop.run(_hold(url, _request(url, model, headers), count, events, pid))


async def _hold(url: str, request: bytes, count: int, events: int, pid: int | None) -> Streams:
    loop = asyncio.get_running_loop()
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    ends: list[asyncio.Future[bool]] = []
    callers: list[_Caller] = []
    transports: list[asyncio.BaseTransport] = []
    memory = [_memory_mb(pid)]
    held_s = events * APART_S
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(began + number * _APART_S - loop.time())
        ended: asyncio.Future[bool] = loop.create_future()
        caller = _Caller(request, events, ended)
        transport, _ = await loop.create_connection(lambda it=caller: it, address.hostname, address.port)
        ends.append(ended)
        callers.append(caller)
        transports.append(transport)
    memory.append(_memory_mb(pid))
    await asyncio.wait_for(asyncio.shield(ends[0]), held_s + 30)
    memory.append(_memory_mb(pid))
    whole = await asyncio.wait_for(asyncio.gather(*ends), held_s + count * _APART_S + 30)
    for transport in transports:
        transport.close()
    if not all(whole):
        raise LoadFailed(f"{whole.count(False)} of {count} streams did not come through whole")
    memory.append(_memory_mb(pid))
    every = [late for caller in callers for late in caller.late_s]
    first = [caller.late_s[0] for caller in callers]
    return Streams(count, _summary(first), _summary(every), tuple(memory) if pid else ())


def _summary(late_s: list[float]) -> tuple[float, float]:
    return statistics.median(late_s) * 1000, sorted(late_s)[int(len(late_s) * 0.99)] * 1000


def _memory_mb(pid: int | None) -> float:
    return usage_of(pid).resident_mb if pid else 0.0


def _request(url: str, model: str, headers: Mapping[str, str]) -> bytes:
    address = urlsplit(url)
    fields = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Count, please."}]}
    body = json.dumps(fields).encode()
    lines = [
        f"POST {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
