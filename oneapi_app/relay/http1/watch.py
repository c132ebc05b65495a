"""Keeps the time for all connections with one timer, so that a request costs no timer of its own.

A deadline that moves away, as it does with every piece of an answer, costs nothing: the timer fires at the time
set first, looks at what is due, and goes on to the next.
"""

import asyncio
from typing import Protocol

NEVER = float("inf")
GRAIN_S = 0.02
"""The timer fires no more often."""


class Watched(Protocol):
    """``deadline`` in the loop's time."""

    deadline: float

    def expire(self, now: float) -> None: ...

    def close(self) -> None: ...


class Watch:
    """Whoever sets a deadline before ``at`` calls ``wake_at``."""

    __slots__ = ("_loop", "_timer", "at", "watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self.at = NEVER
        self.watched: set[Watched] = set()

    def wake_at(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.at = deadline
        self._timer = self._loop.call_at(deadline, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        self._timer = None
        self.at = NEVER
        for each in [w for w in self.watched if w.deadline <= now]:
            each.expire(now)
        soonest = min((w.deadline for w in self.watched), default=NEVER)
        if soonest < self.at:
            self.wake_at(max(soonest, now + GRAIN_S))

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self.at = NEVER
