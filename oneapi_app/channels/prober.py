"""Tests of channels: one, several, all, only the disabled ones, or all every so often (contract §7.8)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from oneapi_app.actor import ADMIN, Actor, require_role
from oneapi_app.channels import service
from oneapi_app.channels.health import is_dead
from oneapi_app.channels.schemas import ChannelRecord, Probe, ProbeReport, ProbeResult, Trouble
from oneapi_app.channels.sweep import Progress, Sweep, every
from oneapi_app.convert.base import Failure
from oneapi_app.errors import Conflict
from oneapi_app.kit.database import Database
from oneapi_app.options import OptionValues
from oneapi_app.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_MODEL = "gpt-3.5-turbo"
LONGEST_TEST_S = 120.0
"""A channel that has not answered by then has failed, whatever the relay would wait."""


class Prober:
    """One per process."""

    def __init__(
        self,
        database: Database,
        probe: Probe,
        settings: Settings,
        options: Callable[[], OptionValues],
        report: Callable[[ProbeReport], None] = lambda _: None,
    ) -> None:
        """``report`` gets what a bulk test has found, where there is something to tell the operator."""
        self._database = database
        self._probe = probe
        self._settings = settings
        self._options = options
        self._report = report
        self._known_trouble: frozenset[int] = frozenset()
        busy = Conflict("测试已在运行中", "a test is already running")
        self._sweep = Sweep("channel test", settings.polling_s, busy)

    @property
    def progress(self) -> Progress:
        """Of the bulk test running now, or of the last one."""
        return self._sweep.progress

    async def test(self, actor: Actor, channel_id: int, model: str = "") -> tuple[ProbeResult, str]:
        """One channel, now; the result and the model asked. Never changes the channel's status."""
        require_role(actor, ADMIN)
        record = await self._database.read(service.load_record, channel_id)
        return await self._test(record, model)

    async def try_draft(
        self, actor: Actor, record: ChannelRecord, model: str = ""
    ) -> tuple[ProbeResult, str]:
        """A channel that is not saved yet; nothing is written."""
        require_role(actor, ADMIN)
        asked = choose_model(record.models, model)
        return await self._ask(record, asked), asked

    def start_all(self, actor: Actor, *, disabled_only: bool = False) -> None:
        """In the background. Raises Conflict while one is running."""
        require_role(actor, ADMIN)
        self._start_all(disabled_only, by_hand=True)

    def start_chosen(self, actor: Actor, channel_ids: Sequence[int]) -> None:
        """Some channels, in the background, unreported. Raises Conflict while one is running."""
        require_role(actor, ADMIN)

        async def chosen() -> list[ChannelRecord]:
            return await self._database.read(service.load_chosen, channel_ids)

        self._sweep.start(chosen, partial(self._test_and_judge, ProbeReport()))

    def start_periodic(self, apply_for: Callable[[str], Callable[[], bool]]) -> list[asyncio.Task[None]]:
        """CHANNEL_TEST_FREQUENCY. ``apply_for`` says, for this piece of work, when it is ours to do."""
        minutes = self._settings.channel_test_minutes
        if not minutes:
            return []
        is_ours = apply_for("channel tests")
        return [asyncio.create_task(every(minutes * 60, is_ours, lambda: self._start_all(by_hand=False)))]

    async def finished(self) -> None:
        """Waits for the bulk test under way, if there is one."""
        await self._sweep.finished()

    async def stop(self) -> None:
        await self._sweep.stop()

    def _start_all(self, disabled_only: bool = False, *, by_hand: bool) -> None:
        async def all_or_disabled() -> list[ChannelRecord]:
            records = await self._database.read(service.load_records)
            return [record for record in records if not (disabled_only and record.enabled)]

        self._start(all_or_disabled, by_hand=by_hand)

    def _start(self, load: Callable[[], Awaitable[Sequence[ChannelRecord]]], *, by_hand: bool) -> None:
        """Of what runs by itself only news are told: trouble that was not there the last time."""
        report = ProbeReport()

        def completed(progress: Progress) -> None:
            report.tested, report.good = progress.total, progress.good
            trouble = frozenset(each.channel_id for each in report.troubled)
            if by_hand or trouble - self._known_trouble:
                self._report(report)
            self._known_trouble = trouble

        self._sweep.start(load, partial(self._test_and_judge, report), completed)

    async def _test(self, record: ChannelRecord, model: str) -> tuple[ProbeResult, str]:
        asked = choose_model(record.models, model)
        result = await self._ask(record, asked)
        await self._database.run(service.record_test, record.id, asked, result)
        return result, asked

    async def _ask(self, record: ChannelRecord, model: str) -> ProbeResult:
        try:
            async with asyncio.timeout(LONGEST_TEST_S):
                return await self._probe(record, model)
        except TimeoutError:
            message = f"no answer within {LONGEST_TEST_S:.0f} s"
            return ProbeResult(False, message, int(LONGEST_TEST_S * 1000), 504, local=True)

    async def _test_and_judge(self, report: ProbeReport, record: ChannelRecord) -> bool:
        result, _model = await self._test(record, "")
        options = self._options()
        if not record.enabled:
            if result.ok and options.automatic_enable_channel_enabled:
                await self._database.run(service.auto_enable, record.id)
            return result.ok
        reason = reason_to_disable(result, options.channel_disable_threshold)
        if reason and options.automatic_disable_channel_enabled:
            name = await self._database.run(service.auto_disable, record.id, reason)
            report.switched_off += name is not None  # after the await: others count meanwhile
        elif reason or not result.ok:
            report.troubled.append(Trouble(record.id, record.name, reason or result.message))
        return result.ok


def choose_model(models: Sequence[str], wanted: str) -> str:
    """The wanted model if the channel has it, a common one if it has that, else its first (contract §7.8)."""
    wanted = wanted or DEFAULT_MODEL
    return wanted if wanted in models or not models else models[0]


def reason_to_disable(result: ProbeResult, limit_s: float) -> str:
    """Why a test speaks for switching the channel off; empty where it does not. ``limit_s`` 0: any duration."""
    took_s = result.elapsed_ms / 1000
    if limit_s and took_s > limit_s:
        return f"响应时间 {took_s:.2f}s 超过阈值 {limit_s:.2f}s"
    failure = Failure(result.status, result.message, result.type, result.code, "", None, local=result.local)
    return f"HTTP {result.status}: {result.message}" if not result.ok and is_dead(failure) else ""
