"""The port between the relay and the network: what is sent with what limits, and what comes back.

Two adapters stand behind it: ``transport_h1`` and, for outbound proxies, ``transport_httpx``. Nothing here knows
either of them.
"""

from dataclasses import dataclass
from typing import Protocol

from oneapi_app.providers.base import UpstreamRequest


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; None means no limit.

    ``connect_s`` includes waiting for a free connection and TLS, ``first_byte_s`` is from the sent request to the
    complete head of the answer, ``idle_s`` between two pieces of its body (a slow reader on our side does not
    count), ``total_s`` from ``send`` to the last byte.
    """

    connect_s: float | None = 10.0
    first_byte_s: float | None = 300.0
    idle_s: float | None = 120.0
    total_s: float | None = None


class UpstreamResponse(Protocol):
    """An answer whose head has arrived. Its body comes decoded, whatever its headers say of an encoding.

    ``headers`` by lower-case name, of repeated ones the first. ``aclose`` must be called in any outcome, unless it is
    ``complete``: then its last byte is here. One task reads. A read that is cancelled ends the connection.
    """

    status: int
    complete: bool
    headers: dict[bytes, bytes]

    def taken(self, limit: int) -> bytes | None:
        """The whole body where it is here already, else None: then ``read``. Raises BodyTooLarge."""
        ...

    async def receive(self) -> bytes:
        """The next piece of the body, ``b""`` at its clean end. Raises TransportError."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises BodyTooLarge beyond ``limit`` bytes, TransportError otherwise."""
        ...

    async def aclose(self) -> None:
        """Ends the connection unless the body has been received completely. May be called twice."""
        ...


class Transport(Protocol):
    """Sends requests to providers. Lives on one event loop."""

    async def send(self, request: UpstreamRequest, timeouts: Timeouts) -> UpstreamResponse:
        """The answer once its head is there. Redirects are answers. Raises TransportError."""
        ...

    async def aclose(self) -> None:
        """Closes every connection; whoever still waits gets a TransportError."""
        ...
