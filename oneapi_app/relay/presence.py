"""Noticing that a caller has hung up, for calls that last long enough to be worth it.

Quick answers are not watched: the watcher would cost more than the answer. One timer serves all calls, in the order
in which they began.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec

from oneapi_app.kit.clock import NS_PER_S, monotonic_ns
from oneapi_app.relay.reply import ClientGone, Receive

T = TypeVar("T")

WATCH_AFTER_S = 0.05
_WATCH_AFTER_NS = int(WATCH_AFTER_S * NS_PER_S)


class Watch:
    """One per process. Begins to watch callers whose calls have lasted ``WATCH_AFTER_S``."""

    def __init__(self) -> None:
        self._young: dict[Presence, None] = {}
        self._watched = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, receive: Receive, started_ns: int) -> "Presence":
        """For the task that this is called in. ``started_ns``: on the monotonic clock."""
        if self._loop is None:
            # Asking for the running loop each time would be a system call.
            self._loop = asyncio.get_running_loop()
        presence = Presence(receive, asyncio.current_task(self._loop), started_ns)
        self._young[presence] = None
        if self._timer is None:
            self._timer = self._loop.call_later(WATCH_AFTER_S, self._look)
        return presence

    def end(self, presence: "Presence") -> None:
        """The call is over. Nothing of it is kept, for what the next one is made of should still be warm memory."""
        if presence.watcher is None:
            del self._young[presence]
        else:
            presence.watcher.cancel()
            self._watched -= 1

    @property
    def in_flight(self) -> int:
        """Calls that have begun and not ended."""
        return len(self._young) + self._watched

    def _look(self) -> None:
        """Calls come nearly in the order in which they began, so the first young one ends the round."""
        old_ns = monotonic_ns() - _WATCH_AFTER_NS
        young = self._young
        self._timer = None
        while young:
            presence = next(iter(young))
            if presence.started_ns > old_ns:
                wait_s = (presence.started_ns - old_ns) / NS_PER_S
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)
                return
            del young[presence]
            self._watched += 1
            presence.watch()


class Presence(msgspec.Struct, eq=False, gc=False):
    """Interrupts a wait for the provider when the caller hangs up.

    Only waits passed through ``during`` are interrupted, and what is awaited while ``waiting``, by a cancellation that
    ``undo_cancellation`` takes back; billing and answering never are.
    """

    receive: Receive
    task: asyncio.Task[Any] | None
    started_ns: int
    gone: bool = False
    waiting: bool = False
    watcher: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Listens for the caller from now on."""
        self.watcher = asyncio.create_task(self._listen(self.receive))

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self.waiting and self.task is not None:
            self.task.cancel()

    async def during(self, wait: Coroutine[Any, Any, T]) -> T:
        """The result of ``wait``. Raises ClientGone when the caller hangs up first, or has done so before."""
        if self.gone:
            wait.close()
            raise ClientGone
        self.waiting = True
        try:
            return await wait
        except asyncio.CancelledError:
            if self.undo_cancellation():
                raise ClientGone from None
            raise
        finally:
            self.waiting = False

    def undo_cancellation(self) -> bool:
        """Takes a cancellation back that came from here; whether it did."""
        if not self.gone or self.task is None:
            return False
        self.task.uncancel()
        return True
