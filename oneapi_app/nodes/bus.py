"""Events between nodes, over one channel of Redis' publish/subscribe.

A node hears itself: each sends a sign of life every few seconds, so silence means that the way through Redis is
broken, whichever half of it. Then events wait here until it is mended. Redis forgets what nobody was there to hear,
so a node that was away counts everything as changed when it is back.

Nothing here ever waits on behalf of a request. What events mean is ``memory``'s business.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from oneapi_app.events import TRAVELLING, Event, EverythingChanged
from oneapi_app.nodes.messages import decode, encode

log = logging.getLogger(__name__)

CHANNEL = "oneapi:events"
"""With the number of the Redis database behind it: publish/subscribe itself knows no databases."""
SIGN_OF_LIFE_S = 2.0
SILENCE_S = 6.0
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0
MAX_WAITING = 1_000
"""Events kept while Redis is away; beyond that one that says "everything" takes their place."""
AT_ONCE = 200
FAREWELL_S = 1.0
_FAILURES = (RedisError, OSError, TimeoutError)

Apply = Callable[[Sequence[Event]], Awaitable[None]]


class Bus:
    """One per process. ``apply`` gets what other nodes published, and EverythingChanged after each connecting."""

    def __init__(self, redis: Redis, node: str, apply: Apply) -> None:
        self._redis = redis
        self._channel = channel_of(redis)
        self._node = node
        self._apply = apply
        self._waiting: list[Event] = []
        self._news = asyncio.Event()
        self._received: list[Event] = []
        self._arrived = asyncio.Event()
        self._told_lost = False
        self.connected = False

    @property
    def state(self) -> str:
        return "connected" if self.connected else "lost"

    async def publish(self, events: Sequence[Event]) -> None:
        """``post``, as a subscriber of the database."""
        self.post(events)

    def post(self, events: Sequence[Event]) -> None:
        """To all other nodes, soon. Never fails."""
        self._waiting += [event for event in events if isinstance(event, TRAVELLING)]
        if len(self._waiting) > MAX_WAITING:
            self._waiting = [EverythingChanged()]
        self._news.set()

    async def run(self) -> None:
        """Until cancelled: connects, and again after each loss."""
        pause_s = FIRST_PAUSE_S
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._apply_received())
            while True:
                try:
                    await self._connect()
                except* Exception as group:  # whatever it is, the node has to hear the others again
                    if self.connected:
                        pause_s = FIRST_PAUSE_S
                    self._lost(group.exceptions[0])
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def farewell(self) -> None:
        """Sends what still waits, once ``run`` has been cancelled, and lets go of the connection."""
        if self.connected and self._waiting:
            with suppress(*_FAILURES):
                async with asyncio.timeout(FAREWELL_S):
                    await self._redis.publish(self._channel, encode(self._node, self._waiting))
        self.connected = False
        with suppress(*_FAILURES):
            await self._redis.aclose()

    async def _connect(self) -> None:
        """Raises once the connection is lost."""
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(subscription))
                tasks.create_task(self._speak())

    async def _listen(self, subscription: PubSub) -> None:
        while True:
            message = await subscription.get_message(timeout=SILENCE_S)
            if message is None:
                raise TimeoutError
            if message["type"] != "message":
                continue
            sender, events = decode(message["data"])
            if sender != self._node:
                self._receive(events)
            elif not self.connected:
                self._found()

    async def _speak(self) -> None:
        while True:
            events = self._waiting[:AT_ONCE]
            self._news.clear()
            await self._redis.publish(self._channel, encode(self._node, events))
            if events == self._waiting[: len(events)]:
                del self._waiting[: len(events)]
            if not self._waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SIGN_OF_LIFE_S):
                        await self._news.wait()

    async def _apply_received(self) -> None:
        """In its own task, so that a slow database does not look like silence."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            events, self._received = self._received, []
            await self._apply(events)

    def _receive(self, events: Sequence[Event]) -> None:
        if events:
            self._received += events
            self._arrived.set()

    def _found(self) -> None:
        self.connected = True
        log.info("Redis is connected" if not self._told_lost else "Redis is back")
        self._told_lost = False
        self._receive([EverythingChanged()])

    def _lost(self, error: BaseException) -> None:
        self.connected = False
        if not self._told_lost:
            self._told_lost = True
            log.warning(
                "Redis is away (%s): serving without it, in step by the database", type(error).__name__
            )


def channel_of(redis: Redis) -> str:
    return f"{CHANNEL}:{redis.connection_pool.connection_kwargs.get('db') or 0}"
