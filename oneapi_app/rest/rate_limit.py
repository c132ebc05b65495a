"""A sliding window of requests per address, in this process's memory."""

import time
from collections import deque
from collections.abc import Callable

MAX_ADDRESSES = 100_000


class RateLimiter:
    """At most ``limit`` requests in ``window_s`` seconds from one address; 0 = no limit."""

    def __init__(self, limit: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._hits: dict[str, deque[float]] = {}

    def hit(self, address: str) -> float | None:
        """None where the request may pass, else seconds until the next one may."""
        if self._limit <= 0:
            return None
        now = self._clock()
        hits = self._hits.get(address)
        if hits is None:
            if len(self._hits) >= MAX_ADDRESSES:
                self._forget_old(now)
            hits = self._hits[address] = deque(maxlen=self._limit)
        if len(hits) == self._limit and now - hits[0] < self._window_s:
            return self._window_s - (now - hits[0])
        hits.append(now)
        return None

    def _forget_old(self, now: float) -> None:
        for address in [a for a, hits in self._hits.items() if not hits or now - hits[-1] > self._window_s]:
            del self._hits[address]
        if len(self._hits) >= MAX_ADDRESSES:
            self._hits.clear()
