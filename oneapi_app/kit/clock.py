"""Time, in the units the database and the wire use."""

import time


def now_s() -> int:
    """Unix seconds, the unit of every time column."""
    return int(time.time())


monotonic_ns = time.perf_counter_ns
"""Nanoseconds of a clock that never goes back, for durations. Not wrapped: a relayed call asks three times."""
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
