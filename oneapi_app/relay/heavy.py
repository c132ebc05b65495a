"""Work on large requests and answers, off the event loop.

Threads share the interpreter's lock, but hand it over every half a millisecond, so that everybody else goes on.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HEAVY_BYTES = 256 * 1024
"""Below, the work is done before a thread would have begun with it."""


async def work_on(size: int, work: Callable[[], T]) -> T:
    """``work()``, in a thread where ``size`` bytes are much. Not to be interrupted: it touches nothing but its input."""
    return work() if size < HEAVY_BYTES else await asyncio.to_thread(work)
