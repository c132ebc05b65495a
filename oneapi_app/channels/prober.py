"""Tests of channels: one, all, only the disabled ones, or all of them every so often (contract §7.8)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from oneapi_app.actor import ADMIN, Actor, require_role
from oneapi_app.channels import service
from oneapi_app.channels.health import is_dead
from oneapi_app.channels.schemas import ChannelRecord, Probe, ProbeResult
from oneapi_app.errors import Conflict, InvalidInput
from oneapi_app.kit.database import Database
from oneapi_app.options import OptionValues
from oneapi_app.providers.base import Failure
from oneapi_app.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_MODEL = "gpt-3.5-turbo"


@dataclass(slots=True)
class Progress:
    """Of the bulk test running now, or of the last one."""

    running: bool = False
    total: int = 0
    done: int = 0
    good: int = 0


class Prober:
    """One per process."""

    def __init__(
        self, database: Database, probe: Probe, settings: Settings, options: Callable[[], OptionValues]
    ) -> None:
        self._database = database
        self._probe = probe
        self._settings = settings
        self._options = options
        self._bulk: asyncio.Task[None] | None = None
        self.progress = Progress()

    async def test(self, actor: Actor, channel_id: int, model: str = "") -> tuple[ProbeResult, str]:
        """One channel, now; the result and the model asked. Never changes the channel's status."""
        require_role(actor, ADMIN)
        record = await self._database.read(service.load_record, channel_id)
        return await self._test(record, model)

    async def try_draft(self, actor: Actor, record: ChannelRecord, model: str = "") -> ProbeResult:
        """A channel that is not saved yet; nothing is written."""
        require_role(actor, ADMIN)
        return await self._probe(record, choose_model(record, model))

    async def _test(self, record: ChannelRecord, model: str) -> tuple[ProbeResult, str]:
        asked = choose_model(record, model)
        result = await self._probe(record, asked)
        await self._database.run(service.record_test, record.id, asked, result)
        return result, asked

    def start_all(self, actor: Actor, *, disabled_only: bool = False) -> None:
        """In the background. Raises Conflict while one is running."""
        require_role(actor, ADMIN)
        self._start(disabled_only)

    def _start(self, disabled_only: bool) -> None:
        if self._bulk is not None and not self._bulk.done():
            raise Conflict("测试已在运行中", "a test is already running")
        self.progress = Progress(running=True)
        self._bulk = asyncio.create_task(self._test_all(disabled_only))

    async def _test_all(self, disabled_only: bool) -> None:
        progress = self.progress
        try:
            records = await self._database.read(service.load_records)
            chosen = [r for r in records if not (disabled_only and r.enabled)]
            progress.total = len(chosen)
            for record in chosen:
                await self._test_and_judge(record, progress)
                progress.done += 1
                if self._settings.polling_s:
                    await asyncio.sleep(self._settings.polling_s)
        except Exception as error:
            log.warning("the test of all channels ended early: %s", type(error).__name__)
        finally:
            progress.running = False

    async def _test_and_judge(self, record: ChannelRecord, progress: Progress) -> None:
        result, _model = await self._test(record, "")
        options = self._options()
        progress.good += result.ok
        if not record.enabled:
            if result.ok and options.automatic_enable_channel_enabled:
                await self._database.run(service.auto_enable, record.id)
            return
        if not options.automatic_disable_channel_enabled:
            return
        limit_ms = options.channel_disable_threshold * 1000
        if limit_ms and result.elapsed_ms > limit_ms:
            took, limit = result.elapsed_ms / 1000, limit_ms / 1000
            reason = f"响应时间 {took:.2f}s 超过阈值 {limit:.2f}s"
            await self._database.run(service.auto_disable, record.id, reason)
        elif not result.ok and is_dead(_failure(result)):
            await self._database.run(service.auto_disable, record.id, result.message)

    def start_periodic(self) -> list[asyncio.Task[None]]:
        """CHANNEL_TEST_FREQUENCY, on the master only."""
        minutes = self._settings.channel_test_minutes
        if not minutes or not self._settings.is_master:
            return []
        return [asyncio.create_task(self._every(minutes * 60))]

    async def _every(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                self._start(disabled_only=False)
            except Conflict:
                continue

    async def stop(self) -> None:
        if self._bulk is not None:
            self._bulk.cancel()
            await asyncio.gather(self._bulk, return_exceptions=True)


def choose_model(record: ChannelRecord, wanted: str) -> str:
    """The model to ask: the wanted one or a common one if the channel has it, else its first."""
    if wanted and wanted in record.models:
        return wanted
    if wanted and record.models:
        raise InvalidInput(f"该渠道不支持模型：{wanted}", f"this channel does not offer {wanted}")
    if not record.models or DEFAULT_MODEL in record.models:
        return wanted or DEFAULT_MODEL
    return record.models[0]


def _failure(result: ProbeResult) -> Failure:
    return Failure(result.status, result.message, result.type, result.code, "", None, local=result.local)
