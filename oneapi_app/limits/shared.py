"""The same windows in Redis, one for all nodes: looked at and counted in one script, hence without races.

A Redis that is away, slow or out of memory is left alone for a while; what ``Window`` counted decides meanwhile.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

PATIENCE_S = 0.5
AT_ONCE = 8
"""Connections a burst of requests may open; each is good for thousands of questions a second."""
REST_S = 5.0
PREFIX = "oneapi:limit"

# The list holds the times of what passed, newest first, as Redis' own clock says, so nodes need not agree on theirs.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local oldest = tonumber(redis.call('LINDEX', KEYS[1], limit - 1))
if oldest and now - oldest < window then
  return math.min(window, oldest + window - now)
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, limit - 1)
redis.call('PEXPIRE', KEYS[1], window)
return 0
"""


class SharedWindows:
    """All windows of an installation. ``is_connected``: what the bus knows, so that nobody has to try in vain."""

    def __init__(
        self, redis: Redis, is_connected: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._script = redis.register_script(_SCRIPT)
        self._is_connected = is_connected
        self._clock = clock
        self._rest_until = 0.0
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def hit(self, name: str, address: str, limit: int, window_s: float) -> float | None:
        """None where the request may pass, and is counted, or Redis cannot tell; else seconds until one may."""
        if not self._is_connected() or self._clock() < self._rest_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S), self._turns:
                wait_ms = await self._script([f"{PREFIX}:{name}:{address}"], [limit, round(window_s * 1000)])
        except (RedisError, OSError, TimeoutError) as error:
            self._rest_until = self._clock() + REST_S
            log.warning("rate limits are counted by this node alone for a while: %s", type(error).__name__)
            return None
        return int(wait_ms) / 1000 or None
