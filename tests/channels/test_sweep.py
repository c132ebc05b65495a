"""Going through channels in the background: how many at once, pauses, and again and again."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from oneapi_app.channels.sweep import AT_ONCE, Sweep, every
from oneapi_app.errors import Conflict

BUSY = Conflict("busy", "busy")


async def most_at_once(pause_s: float) -> int:
    """Visits twelve channels; how many were under way together at most."""
    sweep = Sweep("a sweep", pause_s, BUSY)
    under_way: set[int] = set()
    most = 0

    async def load() -> Any:
        return [SimpleNamespace(id=number) for number in range(12)]

    async def visit(record: Any) -> bool:
        nonlocal most
        under_way.add(record.id)
        most = max(most, len(under_way))
        for _ in range(5):
            await asyncio.sleep(0)
        under_way.remove(record.id)
        return True

    sweep.start(load, visit)
    await sweep.finished()
    assert (sweep.progress.done, sweep.progress.good) == (12, 12)
    return most


async def test_a_few_at_once_or_one_after_the_other_where_pauses_are_asked_for() -> None:
    assert await most_at_once(0) == AT_ONCE
    assert await most_at_once(0.001) == 1


async def test_again_and_again_on_the_node_whose_duty_it_is() -> None:
    """Also while the last run is still under way, which is left to end."""
    started = asyncio.Queue[int]()
    asked = turns = 0

    def is_ours() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    def start() -> None:
        nonlocal turns
        turns += 1
        started.put_nowait(asked)
        if turns == 2:
            raise BUSY

    task = asyncio.create_task(every(0.001, is_ours, start))
    for turn in (3, 4, 5):
        assert await asyncio.wait_for(started.get(), 5) == turn
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
