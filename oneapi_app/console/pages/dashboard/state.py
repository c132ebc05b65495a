"""What the dashboard asks, again every few seconds while somebody looks."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.console.components.live import viewer_zone
from oneapi_app.console.pages.dashboard.gather import Gathered, Steps, gather, gather_site, steps
from oneapi_app.console.pages.dashboard.series import METRICS, Share, Span, Trend, stack, trend
from oneapi_app.console.pages.logs.views import LogView, view_of
from oneapi_app.console.session import ConsoleState
from oneapi_app.console.snippets import Snippets, public_address, write_snippets
from oneapi_app.models.channel import AUTO_DISABLED, ENABLED
from oneapi_app.models.token import NEVER_EXPIRES
from oneapi_app.runtime import current_runtime

SLOWLY_MS = 15_000
QUICKLY_MS = 2_500
"""While the first steps are under way, so that they tick by themselves."""
_SPANS = ("day", "week", "month")


@dataclass(frozen=True)
class TokenNote:
    """A token that expires soon or is nearly empty."""

    id: int
    name: str
    expires: int
    remain: int
    low: bool


@dataclass(frozen=True)
class ChannelCell:
    """``tone``: good, warn while it rests, bad when switched off by itself, quiet when by hand."""

    id: int
    name: str
    tone: str
    state: str
    reason: str


@dataclass(frozen=True)
class KindCount:
    kind: str
    count: int


@dataclass(frozen=True)
class Pulse:
    """The process right now: milliseconds over the latest thousand requests."""

    in_flight: int = 0
    p50_ms: int = 0
    p95_ms: int = 0
    first_token_ms: int = 0


class DashboardState(ConsoleState, rx.State):
    loaded: bool = False
    span: str = "week"
    metric: str = "spend"
    whole_site: bool = False
    balance: int = 0
    today: Trend = Trend()
    week: Trend = Trend()
    month: Trend = Trend()
    requests: Trend = Trend()
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    tokens: Trend = Trend()
    bars: list[dict[str, Any]] = []
    series: list[str] = []
    models: list[Share] = []
    recent: list[LogView] = []
    attention: list[TokenNote] = []

    steps_known: bool = False
    has_channel: bool = True
    has_tested: bool = True
    has_token: bool = True
    has_request: bool = True
    steps_hidden: bool = False
    snippets: Snippets = Snippets()
    language: str = "curl"

    users: list[Share] = []
    top_tokens: list[Share] = []
    channels: list[Share] = []
    cells: list[ChannelCell] = []
    kinds: list[KindCount] = []
    failed: int = 0
    served: int = 0
    pulse: Pulse = Pulse()
    _zone_s: int = 0
    _groups: list[Any] = []

    @rx.var
    def error_percent(self) -> float:
        """Failures among everything that was tried in the last 24 hours."""
        tried = self.failed + self.served
        return round(self.failed * 100 / tried, 1) if tried else 0.0

    @rx.var
    def setting_up(self) -> bool:
        """Whether the first steps are to be shown."""
        done = self.has_channel and self.has_tested and self.has_token and self.has_request
        return self.steps_known and not done and not self.steps_hidden

    @rx.var
    def refresh_ms(self) -> int:
        return QUICKLY_MS if self.setting_up else SLOWLY_MS

    @rx.event
    async def enter(self) -> Any:
        """On load; days are the viewer's."""
        await self._actor()
        return viewer_zone(DashboardState.enter_zone)

    @rx.event
    async def enter_zone(self, ahead_s: int) -> None:
        self._zone_s = ahead_s if isinstance(ahead_s, int) and abs(ahead_s) <= 86_400 else 0
        await self._refresh()

    @rx.event
    async def refresh(self) -> None:
        await self._refresh()

    async def _refresh(self) -> None:
        actor = await self._actor()
        site = self.whole_site and actor.is_admin
        found = await self._read(gather, span_name=self.span, zone_s=self._zone_s, whole_site=site)
        names = self._channel_names() if actor.is_admin else {}
        self._show_usage(found, names)
        if not self.steps_known or self.setting_up:
            self._show_steps(await self._read(steps))
        if actor.role >= ADMIN:
            await self._show_site(found.span, names)
        self.loaded = True

    def _show_usage(self, found: Gathered, names: dict[int, str]) -> None:
        self.balance = found.balance
        self.today, self.week, self.month = found.today, found.week, found.month
        usage, before = found.usage, found.before
        self.requests = trend(usage.requests, before.requests)
        self.prompt, self.completion, self.cached = (
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cached_tokens,
        )
        self.tokens = trend(METRICS["tokens"](usage), METRICS["tokens"](before))
        self._groups = [found.series, found.span]
        self._draw()
        self.models = found.models
        self.recent = [view_of(entry, names) for entry in found.recent]
        self.attention = [
            TokenNote(
                id=token.id,
                name=token.name,
                expires=0 if token.expired_time == NEVER_EXPIRES else token.expired_time,
                remain=token.remain_quota,
                low=not token.unlimited_quota and token.remain_quota <= 50_000,
            )
            for token in found.attention
        ]

    def _draw(self) -> None:
        if self._groups:
            groups, span = self._groups
            self.bars, self.series = stack(groups, span, self.metric)

    def _show_steps(self, found: Steps) -> None:
        options = current_runtime().options
        self.has_channel, self.has_tested = found.channel, found.tested
        self.has_token, self.has_request = found.token, found.request
        self.snippets = write_snippets(
            key=found.key or "sk-…",
            address=public_address(options.text("ServerAddress"), self.router.url.origin),
            model=(found.models or ["gpt-4o-mini"])[0],
        )
        self.steps_known = True

    def _channel_names(self) -> dict[int, str]:
        table = current_runtime().context.snapshot.table
        return {number: channel.name for number, channel in table.by_id.items()}

    async def _show_site(self, span: Span, names: dict[int, str]) -> None:
        runtime = current_runtime()
        records = runtime.context.snapshot.table.by_id
        site = await self._read(gather_site, span=span, channel_ids=list(records))
        self.users, self.top_tokens = site.users, site.tokens
        self.channels = [_named(share, names) for share in site.channels]
        self.failed, self.served = site.failed, site.served
        self.kinds = [KindCount(kind, count) for kind, count in site.kinds]
        resting = runtime.context.health.is_cooling
        self.cells = [
            _cell(
                record.id,
                record.name,
                record.status,
                resting(record.id),
                site.reasons.get(record.id, ("", 0)),
            )
            for record in sorted(records.values(), key=lambda record: record.id)
        ]
        activity = runtime.activity
        self.pulse = Pulse(
            in_flight=runtime.context.watch.in_flight,
            p50_ms=activity.percentile(activity.elapsed_ms, 0.5),
            p95_ms=activity.percentile(activity.elapsed_ms, 0.95),
            first_token_ms=activity.percentile(activity.first_token_ms, 0.5),
        )

    @rx.event
    async def set_span(self, span: str | list[str]) -> None:
        if isinstance(span, str) and span in _SPANS:
            self.span = span
        await self._refresh()

    @rx.event
    def set_metric(self, metric: str | list[str]) -> None:
        if isinstance(metric, str) and metric in METRICS:
            self.metric = metric
            self._draw()

    @rx.event
    async def set_scope(self, scope: str | list[str]) -> None:
        self.whole_site = scope == "site"
        await self._refresh()

    @rx.event
    def set_language(self, language: str | list[str]) -> None:
        if isinstance(language, str):
            self.language = language

    @rx.event
    def hide_steps(self) -> None:
        self.steps_hidden = True


def _named(share: Share, names: dict[int, str]) -> Share:
    number = int(share.name)
    title = f"#{number} {names.get(number, '')}".strip()
    return Share(title, share.spend, share.requests, share.tokens, share.percent)


def _cell(number: int, name: str, status: int, resting: bool, why: tuple[str, int]) -> ChannelCell:
    if status == ENABLED:
        tone, state = ("warn", "resting") if resting else ("good", "enabled")
    else:
        tone, state = ("bad", "broken") if status == AUTO_DISABLED else ("quiet", "disabled")
    return ChannelCell(number, name, tone, state, why[0] if status != ENABLED else "")
