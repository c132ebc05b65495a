"""Waiting for the disk where the operator asked for it (LEDGER_FSYNC): one sync serves all who wait."""

import asyncio
import os
from collections.abc import Callable

from oneapi_app.billing.ledger.journal import Journal


class JournalSync:
    """Syncs the journal in a thread, again and again while somebody waits. ``on_failure`` gets the reason."""

    def __init__(self, journal: Journal, on_failure: Callable[[OSError], None]) -> None:
        self._journal = journal
        self._on_failure = on_failure
        self._waiting: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def request(self, done: Callable[[], None]) -> None:
        """``done()`` once everything written so far is on the disk; never, if the disk fails."""
        self._waiting.append(done)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def finished(self) -> None:
        """Nobody waits any more."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._waiting:
            served, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(_sync, self._journal.duplicate_file())
            except OSError as error:
                self._on_failure(error)
                continue
            for done in served:
                done()
        self._task = None


def _sync(file: int) -> None:
    try:
        os.fdatasync(file)
    finally:
        os.close(file)
