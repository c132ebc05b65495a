"""A sliding window of requests per address, in this process's memory."""

import time
from collections import deque
from collections.abc import Callable

MAX_ADDRESSES = 100_000


class Window:
    """``limit`` requests, at least 1, in ``window_s`` seconds from one address."""

    def __init__(self, limit: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._hits: dict[str, deque[float]] = {}

    def wait_s(self, address: str) -> float | None:
        """None where another request may pass, else seconds until one may. Counts nothing."""
        hits = self._hits.get(address)
        if hits is None or len(hits) < self._limit:
            return None
        age_s = self._clock() - hits[0]
        return None if age_s >= self._window_s else self._window_s - age_s

    def count(self, address: str) -> None:
        """A request has passed."""
        hits = self._hits.get(address)
        if hits is None:
            if len(self._hits) >= MAX_ADDRESSES:
                self._forget_old()
            hits = self._hits[address] = deque(maxlen=self._limit)
        hits.append(self._clock())

    def _forget_old(self) -> None:
        now = self._clock()
        for address in [a for a, hits in self._hits.items() if now - hits[-1] > self._window_s]:
            del self._hits[address]
        if len(self._hits) >= MAX_ADDRESSES:
            self._hits.clear()
