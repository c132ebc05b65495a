"""What the relay remembers of its channels: who is resting, who has just been switched off.

The rules are ``channels.health``'s; this holds their state for one process and hands consequences on.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from oneapi_app.channels import service as channels
from oneapi_app.channels.health import SuccessWindow, judge
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.convert.base import Failure
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database
from oneapi_app.options import OptionValues
from oneapi_app.relay.call import Call
from oneapi_app.relay.failures import FailureLog
from oneapi_app.settings import Settings
from oneapi_app.usage_log.schemas import FailureRecord

log = logging.getLogger(__name__)

MESSAGE_CHARS = 500


class ChannelHealth:
    """One per process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        failures: FailureLog,
        options: Callable[[], OptionValues],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._database = database
        self._failures = failures
        self._options = options
        self._clock = clock
        self._rest_until: dict[int, float] = {}
        self._in_a_row: dict[int, int] = {}
        self._windows: dict[int, SuccessWindow] = {}
        self._switched_off: set[int] = set()
        self._known: dict[int, ChannelRecord] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def is_cooling(self, channel_id: int) -> bool:
        until = self._rest_until.get(channel_id)
        return until is not None and until > self._clock()

    def is_off(self, channel_id: int) -> bool:
        """Switched off just now, while the database and the routing table are still learning of it."""
        return channel_id in self._switched_off

    def resting(self) -> dict[int, float]:
        """Channel -> seconds it still rests."""
        now = self._clock()
        return {channel: until - now for channel, until in self._rest_until.items() if until > now}

    def succeeded(self, channel_id: int) -> None:
        if self._in_a_row and self._in_a_row.pop(channel_id, 0):
            self._rest_until.pop(channel_id, None)
        if self._settings.metric_enabled:
            self._window(channel_id).add(True)

    def failed(self, call: Call, channel: ChannelRecord, failure: Failure) -> None:
        """Rests or disables the channel as the rules say, and keeps a record."""
        in_a_row = self._in_a_row.get(channel.id, 0) + 1
        verdict = judge(
            failure,
            consecutive=in_a_row,
            auto_disable=self._options().automatic_disable_channel_enabled,
        )
        if verdict.counts_as_failure:
            self._in_a_row[channel.id] = in_a_row
        if verdict.cooldown_s > 0:
            self._rest_until[channel.id] = self._clock() + verdict.cooldown_s
        self._failures.add(
            record_of(call, channel.id, failure.status, str(failure.code or failure.type), failure.message)
        )
        if verdict.disable:
            self.disable(channel, verdict.reason)
        elif verdict.counts_as_failure and self._settings.metric_enabled:
            rate = self._window(channel.id).add(False)
            if rate is not None:
                size, wanted = self._settings.metric_queue_size, self._settings.metric_threshold
                self.disable(channel, f"最近 {size} 次调用成功率 {rate:.2%}，低于阈值 {wanted:.2%}")

    def disable(self, channel: ChannelRecord, reason: str) -> None:
        """Out of the routes at once, in the database a moment later."""
        if channel.id in self._switched_off:
            return
        self._switched_off.add(channel.id)
        task = asyncio.create_task(self._disable(channel, reason))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _disable(self, channel: ChannelRecord, reason: str) -> None:
        try:
            await self._database.run(channels.auto_disable, channel.id, reason)
        except Exception as error:
            log.warning("could not disable channel %d: %s", channel.id, type(error).__name__)
        finally:
            self._switched_off.discard(channel.id)

    def _window(self, channel_id: int) -> SuccessWindow:
        window = self._windows.get(channel_id)
        if window is None:
            settings = self._settings
            window = self._windows[channel_id] = SuccessWindow(
                settings.metric_queue_size, settings.metric_threshold
            )
        return window

    def channels_changed(self, records: Iterable[ChannelRecord]) -> None:
        """Forgets channels that are gone; one that was edited, or switched off or on, starts afresh."""
        known = {record.id: record for record in records}
        for memory in (self._rest_until, self._in_a_row, self._windows):
            for channel in [c for c in memory if c not in known or known[c] != self._known.get(c, known[c])]:
                del memory[channel]
        self._known = known

    async def stop(self) -> None:
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


def record_of(call: Call, channel_id: int, status: int, kind: str, message: str) -> FailureRecord:
    caller = call.caller
    return FailureRecord(
        created_at=now_s(),
        request_id=call.request_id,
        user_id=caller.user_id,
        token_name=caller.token_name,
        model_name=call.request.model,
        channel_id=channel_id,
        status=status,
        kind=kind,
        message=message[:MESSAGE_CHARS],
    )
