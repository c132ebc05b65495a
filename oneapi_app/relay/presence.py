"""Noticing that a caller has hung up, for calls that last long enough to be worth it.

Quick answers are not watched: the watcher would cost more than the answer. One timer serves all calls, in the order
in which they began.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from oneapi_app.relay.reply import ClientGone, Receive

T = TypeVar("T")

WATCH_AFTER_S = 0.05


class Watch:
    """One per process. Begins to watch callers whose calls have lasted ``WATCH_AFTER_S``."""

    def __init__(self) -> None:
        self._young: deque[tuple[float, Presence]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, presence: "Presence") -> None:
        loop = asyncio.get_running_loop()
        self._young.append((loop.time() + WATCH_AFTER_S, presence))
        if self._timer is None:
            self._timer = loop.call_later(WATCH_AFTER_S, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        young = self._young
        while young and young[0][0] <= loop.time():
            young.popleft()[1].watch()
        self._timer = loop.call_at(young[0][0], self._look) if young else None


class Presence:
    """Interrupts a wait for the provider when the caller hangs up.

    Only waits passed through ``during`` are interrupted; billing and answering never are.
    """

    __slots__ = ("_closed", "_receive", "_task", "_waiting", "_watcher", "gone")

    def __init__(self, receive: Receive, watch: Watch) -> None:
        self._receive = receive
        self._waiting = False
        self._closed = False
        self._watcher: asyncio.Task[None] | None = None
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self.gone = False
        watch.add(self)

    def watch(self) -> None:
        """Listens for the caller from now on, if the call is still under way."""
        if not self._closed:
            self._watcher = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._waiting:
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
            if not self.gone:
                raise
            self._task.uncancel()
            raise ClientGone from None
        finally:
            self._waiting = False

    def close(self) -> None:
        """Stops watching."""
        self._closed = True
        if self._watcher is not None:
            self._watcher.cancel()
