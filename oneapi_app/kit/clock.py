"""Time, in the units the database and the wire use."""

import time


def now_s() -> int:
    """Unix seconds, the unit of every time column."""
    return int(time.time())


def monotonic_ms() -> float:
    """Milliseconds of a clock that never goes back, for durations."""
    return time.perf_counter() * 1000.0
