"""Opens sockets: names to addresses, and the addresses tried side by side.

uvloop tries addresses one after the other, so one dead IPv6 route would cost every connection its time limit.
"""

import asyncio
import itertools
import os
import socket

HEAD_START_S = 0.25
"""How long an address is tried alone before the next one joins (RFC 8305, section 8)."""
MAX_ADDRESSES = 8

Target = tuple[socket.AddressFamily, tuple[str | int | bytes, ...]]


async def dial(host: str, port: int) -> socket.socket:
    """A connected socket. Raises OSError: of the name, or of the first address when all failed."""
    return await first_connected(await _look_up(host, port))


def reason_of(error: OSError) -> str:
    """In the system's words; asyncio's own texts hold addresses."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or type(error).__name__
    return os.strerror(error.errno)


async def _look_up(host: str, port: int) -> list[Target]:
    """In the system's order, the families taking turns."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families: dict[socket.AddressFamily, list[Target]] = {}
    for family, _type, _proto, _name, address in found:
        families.setdefault(family, []).append((family, address))
    turns = itertools.zip_longest(*families.values())
    return [target for turn in turns for target in turn if target is not None][:MAX_ADDRESSES]


async def first_connected(targets: list[Target]) -> socket.socket:
    """The socket that is connected first; the others are closed."""
    if len(targets) == 1:
        return await _connect(targets[0])
    waiting = list(targets)
    attempts: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_connect(waiting.pop(0))))
            done, _ = await asyncio.wait(
                attempts, timeout=HEAD_START_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                attempts.remove(attempt)
                error = attempt.exception()
                if error is None:
                    return attempt.result()
                if not isinstance(error, OSError):
                    raise error
                errors.append(error)
    finally:
        await _give_up(list(attempts))
    raise errors[0] if errors else OSError("the name has no address")


async def _give_up(attempts: list[asyncio.Task[socket.socket]]) -> None:
    for attempt in attempts:
        attempt.cancel()
    for outcome in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()


async def _connect(target: Target) -> socket.socket:
    family, address = target
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connecting, address)
    except BaseException:
        connecting.close()
        raise
    return connecting
