"""What the log page asks the services. Admins see everybody's rows, others their own; the service decides."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.console.client import set_query
from oneapi_app.console.components import TableState
from oneapi_app.console.components.live import viewer_zone
from oneapi_app.console.exports import csv_download
from oneapi_app.console.notices import notify, warn
from oneapi_app.console.pages.logs.views import KINDS, DetailView, LogView, detail_of, view_of
from oneapi_app.kit.clock import now_s
from oneapi_app.models.log import CONSUME
from oneapi_app.runtime import current_runtime
from oneapi_app.usage_log import figures, service, upkeep
from oneapi_app.usage_log.schemas import LogFilter

FOLLOW_MS = 2_000
_SPANS_S = {"hour": 3_600, "day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400}
_TYPES = {name: number for number, name in KINDS.items()}
_HEADER = [
    "time",
    "user",
    "token",
    "type",
    "model",
    "channel",
    "stream",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "elapsed_ms",
    "first_token_ms",
    "quota",
    "detail",
    "request_id",
]


class LogsState(TableState, rx.State):
    FILTERS = ("type", "range", "from", "to", "user", "token", "model", "channel")

    rows: list[LogView] = []
    spent: int = 0
    requests: int = 0
    tokens: int = 0
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    counted_up_to: int = service.MAX_COUNTED
    following: bool = False
    filters_open: bool = False
    opened: DetailView = DetailView()
    drawer_open: bool = False
    cleaning_open: bool = False
    clean_before: int = 0
    clean_count: int = -1
    cleaning: bool = False
    exporting: bool = False
    _zone_s: int = 0

    @rx.event
    async def enter(self) -> Any:
        """On load: the view from the address, with days as the viewer's zone has them."""
        await self._actor()
        self.following = False
        return viewer_zone(LogsState.enter_zone)

    @rx.event
    def enter_zone(self, ahead_s: int) -> Any:
        self._zone_s = ahead_s if isinstance(ahead_s, int) and abs(ahead_s) <= 86_400 else 0
        return LogsState.open

    async def _load_rows(self) -> None:
        chosen = self._chosen()
        names = await self._channel_names()
        found = await self._read(service.page_entries, chosen=chosen, page=self.page - 1, size=self.page_size)
        self.rows = [view_of(entry, names) for entry in found.entries]
        self.total = found.total
        await self._load_sums(chosen)

    async def _load_sums(self, chosen: LogFilter) -> None:
        usage = await self._read(figures.stat, chosen=chosen)
        rate = await self._read(figures.last_minute, chosen=chosen)
        self.spent, self.requests = usage.quota, usage.requests
        self.tokens = usage.prompt_tokens + usage.completion_tokens
        self.requests_per_minute = rate.requests
        self.tokens_per_minute = rate.prompt_tokens + rate.completion_tokens

    async def _channel_names(self) -> Mapping[int, str]:
        actor = await self._actor()
        if not actor.is_admin:
            return {}
        return {
            number: channel.name for number, channel in current_runtime().context.snapshot.table.by_id.items()
        }

    def _chosen(self) -> LogFilter:
        start, end = self._range()
        return LogFilter(
            type=_TYPES.get(self.filters.get("type", ""), 0),
            start=start,
            end=end,
            username=self.filters.get("user", "").strip(),
            token_name=self.filters.get("token", "").strip(),
            model_name=self.filters.get("model", "").strip(),
            channel=_whole(self.filters.get("channel")),
            request_id=self.search.strip(),
        )

    def _range(self) -> tuple[int, int]:
        """Of the chosen span; 0 where it is open."""
        span = self.filters.get("range", "")
        now = now_s()
        if span == "today":
            return now - (now + self._zone_s) % 86_400, 0
        if span == "dates":
            return _whole(self.filters.get("from")), _whole(self.filters.get("to"))
        return (now - _SPANS_S[span] if span in _SPANS_S else 0), 0

    @rx.event
    async def set_range(self, span: str) -> Any:
        """A preset; ``dates`` opens the two fields."""
        self.filters = {**self.filters, "range": span, "from": "", "to": ""}
        self.page = 1
        return await self._show()

    @rx.event
    async def pick_from(self, at: int) -> Any:
        return await self._pick("from", at)

    @rx.event
    async def pick_to(self, at: int) -> Any:
        return await self._pick("to", at)

    async def _pick(self, name: str, at: int) -> Any:
        self.filters = {**self.filters, "range": "dates", name: str(at) if at > 0 else ""}
        self.page = 1
        return await self._show()

    @rx.event
    def toggle_filters(self) -> None:
        self.filters_open = not self.filters_open

    @rx.event
    async def only(self, name: str, value: str) -> Any:
        """From the drawer: everything of this token, model, user or channel."""
        self.drawer_open = False
        if name in self.FILTERS:
            self.filters, self.page = {**self.filters, name: value}, 1
        return await self._show()

    @rx.event
    async def follow(self, on: bool) -> Any:
        """New rows come in by themselves, on the first page."""
        self.following = on
        if not on:
            return None
        self.page = 1
        await self._refresh()
        return set_query(self._query())

    @rx.event
    async def catch_up(self) -> None:
        """What was written since the newest row shown."""
        if not self.following or self.page != 1:
            return
        chosen = self._chosen()
        newest = max((row.id for row in self.rows), default=0)
        found = await self._read(service.newer_entries, chosen=chosen, after_id=newest)
        if found:
            names = await self._channel_names()
            fresh = [view_of(entry, names) for entry in found]
            self.rows = [*fresh, *self.rows][: self.page_size]
            self.total = min(self.total + len(fresh), service.MAX_COUNTED)
        await self._load_sums(chosen)

    @rx.event
    async def look(self, log_id: int) -> None:
        """Opens one row."""
        found = await self._read(service.read_details, log_id=log_id)
        self.opened = detail_of(found, await self._channel_names())
        self.drawer_open = True

    @rx.event
    def show_drawer(self, open: bool) -> None:
        self.drawer_open = open

    @rx.event(background=True)
    async def export(self) -> Any:
        """The matching rows as a file, up to ``MAX_EXPORTED`` of them."""
        async with self:
            self.exporting = True
            chosen = self._chosen()
            try:
                names = await self._channel_names()
                found = await self._read(service.export_entries, chosen=chosen)
            finally:
                self.exporting = False
        rows = [_line(view_of(entry, names)) for entry in found]
        said = warn("logs.export_cut", count=len(rows)) if len(rows) == service.MAX_EXPORTED else None
        download = csv_download("log.csv", _HEADER, rows)
        return [download, said] if said else download

    @rx.event
    async def start_clean_up(self) -> None:
        await self._actor(ADMIN)
        self.clean_count, self.cleaning = -1, False
        await self._count_before(now_s() - 90 * 86_400)
        self.cleaning_open = True

    @rx.event
    async def pick_clean_before(self, at: int) -> None:
        await self._actor(ADMIN)
        await self._count_before(max(at, 0))

    async def _count_before(self, at: int) -> None:
        self.clean_before = at
        self.clean_count = await self._read(upkeep.count_before, before=at) if at else -1

    @rx.event
    def show_clean_up(self, open: bool) -> None:
        self.cleaning_open = open

    @rx.event(background=True)
    async def clean_up(self) -> Any:
        """Deletes in small batches; the page may be left meanwhile."""
        async with self:
            actor = await self._actor(ADMIN)
            before, self.cleaning = self.clean_before, True
        try:
            deleted = await upkeep.clean_up(current_runtime().database, actor, before)
        finally:
            async with self:
                self.cleaning, self.cleaning_open = False, False
        async with self:
            await self._refresh()
        return notify("logs.cleaned", count=deleted)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else 0


def _line(row: LogView) -> list[Any]:
    row = replace(row, said=row.said or ("" if row.kind == KINDS[CONSUME] else row.kind))
    return [
        row.at,
        row.user,
        row.token,
        row.kind,
        row.model,
        row.channel or "",
        int(row.streamed),
        row.prompt,
        row.completion,
        row.cached,
        row.elapsed_ms,
        row.first_token_ms,
        row.cost,
        row.said,
        row.request_id,
    ]
