"""Carries a provider's stream to the caller, frame by frame, and says how it ended."""

import asyncio
from dataclasses import dataclass
from enum import Enum

from oneapi_app.convert.base import Converter, Failure, StreamEnd
from oneapi_app.errors import UpstreamProtocolError
from oneapi_app.kit.clock import monotonic_ns
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.reply import ClientGone, Reply
from oneapi_app.relay.transport import UpstreamResponse
from oneapi_app.relay.transport_errors import IdleTimeout, TransportError


class Ending(Enum):
    """How a stream ended. Everything but COMPLETE is billed for what was delivered."""

    COMPLETE = "complete"
    UPSTREAM_BROKE = "upstream broke"
    IDLE = "idle timeout"
    CLIENT_GONE = "client gone"
    STOPPING = "server stopping"


_CLOSING = {
    Ending.COMPLETE: StreamEnd.COMPLETE,
    Ending.UPSTREAM_BROKE: StreamEnd.UPSTREAM_BROKE,
    Ending.IDLE: StreamEnd.IDLE_TIMEOUT,
    Ending.CLIENT_GONE: StreamEnd.CLIENT_GONE,
    Ending.STOPPING: StreamEnd.UPSTREAM_BROKE,
}


@dataclass(slots=True)
class Pumped:
    """``last_frames`` close the stream and are still to be sent, after the bill is safe."""

    ending: Ending
    last_frames: bytes
    first_content_ns: int | None
    problem: str = ""


TOO_DEEP = "the provider's answer is nested too deeply"
CLOSING_S = 1.0
"""An answer that has said it is complete may still take so long to close its stream."""


def broken_off(ending: Ending, problem: str) -> Failure:
    """What a stream that stalled or broke says about its channel."""
    status = 504 if ending is Ending.IDLE else 502
    return Failure(status, problem or ending.value, "one_api_error", "do_request_failed", "", None)


async def pump(
    response: UpstreamResponse,
    converter: Converter,
    reply: Reply,
    presence: Presence,
    first_content_s: float | None,
) -> Pumped | Failure:
    """Runs until the stream ends. A Failure is only returned while nothing has reached the caller."""
    now = asyncio.get_running_loop().time
    deadline = None if first_content_s is None else now() + first_content_s
    first_content_ns: int | None = None
    ending = Ending.COMPLETE
    problem = ""
    try:
        while True:
            if deadline is None:
                data = await presence.during(response.receive())
            else:
                data = await _receive_until(deadline, response, presence)
            if not data:
                break
            frames = converter.feed(data)
            if converter.failure is not None and not reply.committed:
                return converter.failure
            if first_content_ns is None and converter.has_content:
                first_content_ns = monotonic_ns()
                deadline = None
            if converter.finished:
                deadline = now() + CLOSING_S
            if frames:
                if not reply.committed:
                    await reply.begin_stream()
                await reply.write(frames)
    except ClientGone:
        if not converter.finished:
            ending = Ending.CLIENT_GONE
    except asyncio.CancelledError:
        # The server is stopping and has waited long enough: what was delivered is billed first.
        if not reply.committed:
            raise
        ending, problem = Ending.STOPPING, "the gateway was stopped"
    except IdleTimeout as error:
        if not converter.finished:
            ending, problem = Ending.IDLE, str(error)
    except (TransportError, UpstreamProtocolError) as error:
        if not converter.finished:
            ending, problem = Ending.UPSTREAM_BROKE, str(error)
    except RecursionError:
        ending, problem = Ending.UPSTREAM_BROKE, TOO_DEEP
    if ending in (Ending.IDLE, Ending.UPSTREAM_BROKE) and not reply.committed:
        return broken_off(ending, problem)
    last = converter.close(_CLOSING[ending])
    if converter.failure is not None and not reply.committed:
        return converter.failure
    return Pumped(ending, last, first_content_ns, problem)


async def _receive_until(deadline: float, response: UpstreamResponse, presence: Presence) -> bytes:
    """Raises IdleTimeout where nothing came by then."""
    try:
        async with asyncio.timeout_at(deadline):
            return await presence.during(response.receive())
    except TimeoutError:
        raise IdleTimeout("the provider sent no content in time", "body") from None
