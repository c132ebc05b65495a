"""Short forms for the tests of transports."""

import asyncio

import pytest

from oneapi_app.providers.base import UpstreamRequest
from oneapi_app.relay.transport import Timeouts, Transport, UpstreamResponse
from tests.support.scripted import LIMIT_S

PATIENT = Timeouts(connect_s=LIMIT_S, first_byte_s=LIMIT_S, idle_s=LIMIT_S, total_s=None)
MB = 1 << 20
ours = pytest.mark.parametrize("adapter", ["h1"])
"""What httpx cannot do, as its adapter says."""


def post(
    url: str, body: bytes = b'{"model":"m"}', headers: tuple[tuple[bytes, bytes], ...] = ()
) -> UpstreamRequest:
    return UpstreamRequest("POST", url, ((b"content-type", b"application/json"), *headers), body)


async def call(transport: Transport, url: str, timeouts: Timeouts = PATIENT) -> tuple[int, bytes]:
    """Status and whole body."""
    async with asyncio.timeout(LIMIT_S):
        response = await transport.send(post(url), timeouts)
        try:
            return response.status, await response.read(64 * MB)
        finally:
            await response.aclose()


async def everything(response: UpstreamResponse) -> list[bytes]:
    """The pieces until the clean end."""
    pieces: list[bytes] = []
    async with asyncio.timeout(LIMIT_S):
        while piece := await response.receive():
            pieces.append(piece)
    return pieces
