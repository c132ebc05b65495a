"""Going through channels in the background: one run at a time, its progress readable by anybody who waits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.errors import AppError, Conflict

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Channels under way together, unless pauses between them are asked for."""


@dataclass(slots=True)
class Progress:
    """Of the run under way, or of the last one. ``good``: channels that answered."""

    running: bool = False
    total: int = 0
    done: int = 0
    good: int = 0


class Sweep:
    """``pause_s`` between two channels; 0 lets a few go at once. ``busy`` is raised while a run is under way."""

    def __init__(self, name: str, pause_s: float, busy: Conflict) -> None:
        self._name = name
        self._pause_s = pause_s
        self._busy = busy
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress()

    def start(
        self,
        load: Callable[[], Awaitable[Sequence[ChannelRecord]]],
        visit: Callable[[ChannelRecord], Awaitable[bool]],
        completed: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """Returns at once. ``visit`` says whether the channel answered. Raises Conflict while running.

        ``completed`` is called when all have been visited, not when the run was broken off.
        """
        if self._task is not None and not self._task.done():
            raise self._busy
        self.progress = Progress(running=True)
        self._task = asyncio.create_task(self._run(self.progress, load, visit, completed))

    async def _run(
        self,
        progress: Progress,
        load: Callable[[], Awaitable[Sequence[ChannelRecord]]],
        visit: Callable[[ChannelRecord], Awaitable[bool]],
        completed: Callable[[Progress], None],
    ) -> None:
        try:
            records = await load()
            progress.total = len(records)
            waiting = iter(records)
            workers = 1 if self._pause_s else AT_ONCE
            await asyncio.gather(*(self._work(progress, waiting, visit) for _ in range(workers)))
            completed(progress)
        except Exception as error:
            log.warning("%s: ended early: %s", self._name, type(error).__name__)
        finally:
            progress.running = False

    async def _work(
        self,
        progress: Progress,
        waiting: Iterator[ChannelRecord],
        visit: Callable[[ChannelRecord], Awaitable[bool]],
    ) -> None:
        for record in waiting:
            try:
                answered = await visit(record)
                progress.good += answered  # after the await: others count meanwhile
            except AppError as error:
                log.info("%s: channel %d: %s", self._name, record.id, error)
            except Exception as error:
                log.warning("%s: channel %d: %s", self._name, record.id, type(error).__name__)
            progress.done += 1
            if self._pause_s:
                await asyncio.sleep(self._pause_s)

    async def finished(self) -> None:
        """Waits for the run under way, if there is one."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


async def every(seconds: float, is_ours: Callable[[], bool], start: Callable[[], None]) -> None:
    """Starts a run again and again, unless another node does it; one still under way is left to end."""
    while True:
        await asyncio.sleep(seconds)
        if not is_ours():
            continue
        try:
            start()
        except Conflict:
            continue
