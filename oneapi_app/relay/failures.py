"""Failed requests on their way to the database, in batches: losing some in a crash is acceptable."""

import asyncio
import contextlib
import logging

from oneapi_app.kit.database import Database
from oneapi_app.usage_log import service as usage_log
from oneapi_app.usage_log.schemas import FailureRecord

FLUSH_S = 1.0
MAX_WAITING = 10_000
"""Records kept while the database is away; later ones are dropped and counted."""

log = logging.getLogger(__name__)


class FailureLog:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[FailureRecord] = []
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def add(self, record: FailureRecord) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(record)
        if self._task is None:
            self._task = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(FLUSH_S)
        self._task = None
        await self.flush()

    async def flush(self) -> None:
        """Writes what waits. A database that is away is tried again with the next failure."""
        records, self._waiting = self._waiting, []
        if not records:
            return
        try:
            await self._database.run(usage_log.record_failures, records)
        except Exception as error:
            log.warning("could not store %d failure records: %s", len(records), type(error).__name__)
            self._waiting = (records + self._waiting)[:MAX_WAITING]

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.flush()
