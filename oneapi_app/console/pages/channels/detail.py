"""The drawer of one channel: how its tests went, what failed lately, what it was used for."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.channels import service as channels
from oneapi_app.channels.policy import read_texts, split_list
from oneapi_app.channels.schemas import ChannelRow
from oneapi_app.console.pages.channels.views import ChannelView, view_of
from oneapi_app.console.session import ConsoleState
from oneapi_app.kit.clock import now_s
from oneapi_app.models.log import TEST
from oneapi_app.providers.registry import provider_for
from oneapi_app.runtime import current_runtime
from oneapi_app.usage_log import figures
from oneapi_app.usage_log import service as usage_log
from oneapi_app.usage_log.schemas import LogFilter, UsageFilter, UsageGroup

DAYS = 7
DAY_S = 86_400
SHOWN_TESTS = 5
SHOWN_FAILURES = 5
SERIES = 6
"""Models drawn by themselves; the others are one."""


@dataclass(frozen=True)
class TestLine:
    at: int
    ok: bool
    model: str
    elapsed_ms: int
    message: str


@dataclass(frozen=True)
class FailureLine:
    at: int
    status: int
    kind: str
    model: str
    message: str


@dataclass(frozen=True)
class KindCount:
    kind: str
    count: int


class ChannelDetailState(ConsoleState, rx.State):
    shown: bool = False
    view: ChannelView | None = None
    base_url: str = ""
    created: int = 0
    models: list[str] = []
    mapping: list[tuple[str, str]] = []
    system_prompt: str = ""
    tests: list[TestLine] = []
    kinds: list[KindCount] = []
    failures: list[FailureLine] = []
    bars: list[dict[str, int]] = []
    series: list[str] = []

    @rx.event
    async def open(self, channel_id: int) -> Any:
        row = await self._read(channels.get, channel_id=channel_id)
        states = await self._read(channels.states, channel_ids=[channel_id])
        self.view = view_of(row, states.get(channel_id), current_runtime().context.health.resting())
        self._describe(row)
        now = now_s()
        since = now - now % DAY_S - (DAYS - 1) * DAY_S
        tested = await self._read(
            usage_log.page_entries, chosen=LogFilter(type=TEST, channel=channel_id), size=SHOWN_TESTS
        )
        self.tests = [
            TestLine(
                entry.row.created_at,
                "测试成功" in entry.row.content,
                entry.row.model_name,
                entry.row.elapsed_time,
                entry.row.content.partition("：")[2],
            )
            for entry in tested.entries
        ]
        counted = await self._read(figures.count_failures, start=since, end=now + 1)
        kinds = Counter({c.kind: c.count for c in counted if c.channel_id == channel_id})
        self.kinds = [KindCount(kind, count) for kind, count in kinds.most_common()]
        failed = await self._read(figures.list_failures, channel_id=channel_id, limit=SHOWN_FAILURES)
        self.failures = [FailureLine(f.created_at, f.status, f.kind, f.model_name, f.message) for f in failed]
        groups = await self._read(
            figures.sum_usage,
            start=since,
            end=now + 1,
            by=("hour", "model_name"),
            wanted=UsageFilter(channel=channel_id),
            whole_site=True,
            bucket_s=DAY_S,
        )
        self.bars, self.series = draw_bars(groups, since)
        self.shown = True

    def _describe(self, row: ChannelRow) -> None:
        self.base_url = row.base_url or provider_for(row.type).base_url
        self.created = row.created_time
        self.models = list(split_list(row.models))
        self.mapping = list(read_texts(row.model_mapping).items())
        self.system_prompt = row.system_prompt or ""

    @rx.event
    def show(self, open: bool) -> None:
        self.shown = open


def draw_bars(groups: list[UsageGroup], since: int) -> tuple[list[dict[str, int]], list[str]]:
    """Quota per day and model for a chart, and the models from most to least; small ones together as "…"."""
    totals: Counter[str] = Counter()
    for group in groups:
        totals[str(group.key[1])] += group.usage.quota
    names = [name for name, quota in totals.most_common(SERIES) if quota]
    if not names:
        return [], []
    bars: list[dict[str, int]] = [{"at": since + day * DAY_S} for day in range(DAYS)]
    by_day = {bar["at"]: bar for bar in bars}
    for group in groups:
        bar = by_day.get(int(group.key[0]))
        if bar is not None:
            name = str(group.key[1]) if group.key[1] in names else "…"
            bar[name] = bar.get(name, 0) + group.usage.quota
    rest = ["…"] if len(totals) > len(names) else []
    return bars, names + rest
