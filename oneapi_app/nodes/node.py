"""This process as one of several: its name, its memory, its duties, its way to the others."""

import asyncio
import os
import secrets
import socket
from collections.abc import Coroutine
from typing import Any

from redis.asyncio import Redis

from oneapi_app.events import LeaseWanted
from oneapi_app.kit.database import Database
from oneapi_app.nodes.bus import Bus
from oneapi_app.nodes.duties import Duties
from oneapi_app.nodes.memory import Memory
from oneapi_app.relay.context import RelayContext
from oneapi_app.settings import Settings


class Node:
    """One per process. Without ``redis`` it hears nothing of others but what the database says."""

    def __init__(
        self, settings: Settings, database: Database, context: RelayContext, redis: Redis | None
    ) -> None:
        self.name = node_name()
        self.memory = Memory(database, context, settings.sync_s, lambda: self.is_cut_off)
        self.duties = Duties(database, self.name, is_master=settings.is_master)
        self._database = database
        self._ledger = context.ledger
        self._bus = Bus(redis, self.name, self.memory.on_foreign_events) if redis is not None else None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def redis_state(self) -> str | None:
        """``connected`` or ``lost``; None where no Redis is configured."""
        return self._bus.state if self._bus is not None else None

    @property
    def is_connected(self) -> bool:
        return self._bus is not None and self._bus.connected

    @property
    def is_cut_off(self) -> bool:
        """Others' changes should arrive through Redis, but do not."""
        return self._bus is not None and not self._bus.connected

    async def start(self) -> None:
        """Fills the memory and follows what happens from now on. Redis may be away; the database must be there."""
        if self._bus is not None:
            self._database.subscribe(self._bus.publish)
            self._ledger.ask_through(self._ask_for_lease)
            self._in_background(self._bus.run())
        self._database.subscribe(self.memory.on_events)
        await self.memory.load()
        await self.duties.renew()
        self._in_background(self.memory.follow())
        self._in_background(self.duties.run())

    async def stop(self) -> None:
        """While the database is still open, after everything that publishes has stopped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.duties.resign()
        if self._bus is not None:
            await self._bus.farewell()

    def _ask_for_lease(self, user_id: int | None, token_id: int | None) -> bool:
        if self._bus is None or not self._bus.connected:
            return False
        self._bus.post([LeaseWanted(user_id, token_id)])
        return True

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))


def node_name() -> str:
    """Host and process for people, and a chance part: containers are all process 1."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
