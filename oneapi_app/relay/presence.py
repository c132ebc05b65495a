"""Noticing that a caller has hung up, for calls that last long enough to be worth it.

Quick answers are not watched: the watcher would cost more than the answer. One timer serves all calls, in the order
in which they began.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from oneapi_app.kit.clock import monotonic_ms
from oneapi_app.relay.reply import ClientGone, Receive

T = TypeVar("T")

WATCH_AFTER_S = 0.05


class Watch:
    """One per process. Begins to watch callers whose calls have lasted ``WATCH_AFTER_S``."""

    def __init__(self) -> None:
        self._young: deque[Presence] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running one, which there is only one of: asking for it each time is a system call."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def add(self, presence: "Presence") -> None:
        self._young.append(presence)
        if self._timer is None:
            self._timer = self.loop.call_later(WATCH_AFTER_S, self._look)

    def _look(self) -> None:
        """Calls come nearly in the order in which they began, so the first young one ends the round."""
        old_ms = monotonic_ms() - WATCH_AFTER_S * 1000
        young = self._young
        while young and young[0].started_ms <= old_ms:
            young.popleft().watch()
        self._timer = None
        if young:
            self._timer = self.loop.call_later((young[0].started_ms - old_ms) / 1000, self._look)


class Presence:
    """Interrupts a wait for the provider when the caller hangs up.

    Only waits passed through ``during`` are interrupted; billing and answering never are.
    """

    gone = False
    _waiting = False
    _watcher: asyncio.Task[None] | None = None

    def __init__(self, receive: Receive, watch: Watch, started_ms: float) -> None:
        self.started_ms = started_ms
        self._receive: Receive | None = receive
        self._task = asyncio.current_task(watch.loop)
        watch.add(self)

    def watch(self) -> None:
        """Listens for the caller from now on, if the call is still under way."""
        if self._receive is not None:
            self._watcher = asyncio.create_task(self._listen(self._receive))

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._waiting and self._task is not None:
            self._task.cancel()

    async def during(self, wait: Coroutine[Any, Any, T]) -> T:
        """The result of ``wait``. Raises ClientGone when the caller hangs up first, or has done so before."""
        if self.gone:
            wait.close()
            raise ClientGone
        self._waiting = True
        try:
            return await wait
        except asyncio.CancelledError:
            if not self.gone or self._task is None:
                raise
            self._task.uncancel()
            raise ClientGone from None
        finally:
            self._waiting = False

    def close(self) -> None:
        """Stops watching, and lets go of the call: this may stay in the watch's queue for a while."""
        self._receive = self._task = None
        if self._watcher is not None:
            self._watcher.cancel()
