"""What the channel table asks the services, and its bulk work."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.channels import service as channels
from oneapi_app.channels.schemas import ChannelQuery
from oneapi_app.channels.sweep import Progress
from oneapi_app.console.components import TableState
from oneapi_app.console.exports import csv_download
from oneapi_app.console.notices import notify, warn
from oneapi_app.console.pages.channels.views import ChannelView, view_of
from oneapi_app.errors import InvalidInput
from oneapi_app.providers.presentation import titles
from oneapi_app.providers.registry import provider_for
from oneapi_app.runtime import current_runtime

EXPORTED_PAGES = 100


@dataclass(frozen=True)
class Work:
    """A bulk run as the strip above the table shows it. ``kind``: test, balance, or empty for none."""

    kind: str = ""
    running: bool = False
    total: int = 0
    done: int = 0
    good: int = 0


class ChannelsState(TableState, rx.State):
    FILTERS = ("status", "type", "group", "model")
    DEFAULT_SORT = "-id"

    rows: list[ChannelView] = []
    types: list[tuple[str, dict[str, str]]] = []
    groups: list[str] = []
    models: list[str] = []
    work: Work = Work()
    doomed_ids: list[int] = []
    doomed_name: str = ""
    cleaning: bool = False
    adjusting: bool = False
    error: dict[str, str] = {}

    async def _load_rows(self) -> None:
        runtime = current_runtime()
        found = await self._read(channels.page, query=self._chosen(self.page - 1, self.page_size))
        resting = runtime.context.health.resting()
        self.rows = [view_of(row, found.states.get(row.id), resting) for row in found.rows]
        self.total = found.total
        used = await self._read(channels.used_values)
        self.types = [(str(number), titles(provider_for(number))) for number in used.types]
        self.groups, self.models = used.groups, used.models
        self._note_work()

    def _chosen(self, page: int, size: int) -> ChannelQuery:
        wanted = self.filters
        return ChannelQuery(
            page=page,
            size=size,
            search=self.search,
            status=_number(wanted.get("status", "")),
            type=_number(wanted.get("type", "")),
            group=wanted.get("group", ""),
            model=wanted.get("model", ""),
            sort=self.sort,
        )

    @rx.event
    async def set_enabled(self, channel_id: int, enabled: bool) -> Any:
        await self._call(channels.set_enabled, channel_ids=[channel_id], enabled=enabled)
        await self._refresh()

    @rx.event
    async def set_priority(self, channel_id: int, priority: int) -> Any:
        return await self._adjust([channel_id], priority=priority)

    @rx.event
    async def set_weight(self, channel_id: int, weight: int) -> Any:
        return await self._adjust([channel_id], weight=weight)

    async def _adjust(self, channel_ids: list[int], **values: Any) -> Any:
        try:
            await self._call(channels.adjust, channel_ids=channel_ids, **values)
        finally:
            await self._refresh()
        return notify("shell.saved")

    @rx.event
    async def enable_selected(self) -> Any:
        return await self._switch_selected(True)

    @rx.event
    async def disable_selected(self) -> Any:
        return await self._switch_selected(False)

    async def _switch_selected(self, enabled: bool) -> Any:
        changed = await self._call(channels.set_enabled, channel_ids=self.selected, enabled=enabled)
        self.selected = []
        await self._refresh()
        return notify("channels.switched_on" if enabled else "channels.switched_off", count=changed)

    @rx.event
    async def show_adjust(self, open: bool) -> None:
        """The dialog that sets group, priority and weight of the selected channels."""
        await self._actor(ADMIN)
        self.adjusting, self.error = open, {}

    @rx.event
    async def adjust_selected(self, entered: dict[str, Any]) -> Any:
        """Only fields that were filled in are set."""
        self.error = {}
        try:
            values = {
                "priority": _optional_number(entered.get("priority")),
                "weight": _optional_number(entered.get("weight")),
                "group": str(entered.get("group", "")).strip() or None,
            }
            changed = await self._call(channels.adjust, channel_ids=self.selected, **values)
        except InvalidInput as error:
            self.error = {"zh": error.zh, "en": error.en}
            return None
        self.adjusting, self.selected = False, []
        await self._refresh()
        return notify("channels.adjusted", count=changed)

    @rx.event
    async def ask_delete(self, channel_id: int) -> None:
        await self._actor(ADMIN)
        self.doomed_ids = [channel_id]
        self.doomed_name = next((row.name for row in self.rows if row.id == channel_id), "")

    @rx.event
    async def ask_delete_selected(self) -> None:
        await self._actor(ADMIN)
        self.doomed_ids, self.doomed_name = list(self.selected), ""

    @rx.event
    def close_delete(self, _open: bool) -> None:
        self.doomed_ids = []

    @rx.event
    async def delete(self) -> Any:
        doomed, self.doomed_ids = self.doomed_ids, []
        removed = await self._call(channels.delete, channel_ids=doomed)
        self.selected = []
        await self._refresh()
        return notify("channels.deleted", count=removed)

    @rx.event
    async def ask_clean(self, open: bool) -> None:
        await self._actor(ADMIN)
        self.cleaning = open

    @rx.event
    async def delete_disabled(self) -> Any:
        self.cleaning = False
        removed = await self._call(channels.delete_disabled)
        await self._refresh()
        return notify("channels.deleted", count=removed)

    @rx.event
    async def test_selected(self) -> None:
        actor = await self._actor(ADMIN)
        current_runtime().prober.start_chosen(actor, self.selected)
        self.selected = []
        self.work = Work("test", running=True)

    @rx.event
    async def test_all(self, disabled_only: bool) -> None:
        actor = await self._actor(ADMIN)
        current_runtime().prober.start_all(actor, disabled_only=disabled_only)
        self.work = Work("test", running=True)

    @rx.event
    async def update_balances(self) -> None:
        actor = await self._actor(ADMIN)
        current_runtime().balances.start_all(actor)
        self.work = Work("balance", running=True)

    @rx.event
    async def follow_work(self) -> Any:
        """Asked every second while a bulk run goes on."""
        before = self.work
        await self._refresh()
        if before.running and not self.work.running:
            said = notify if self.work.good == self.work.total else warn
            key = "channels.tested" if before.kind == "test" else "channels.balances_updated"
            return said(key, good=self.work.good, total=self.work.total)
        return None

    def _note_work(self) -> None:
        """The run this browser follows: the one under way, or the end of the one it watched."""
        runtime = current_runtime()
        runs = {"test": runtime.prober.progress, "balance": runtime.balances.progress}
        under_way = next((kind for kind, progress in runs.items() if progress.running), None)
        if under_way is not None:
            self.work = _work(under_way, runs[under_way])
        elif self.work.running:
            self.work = _work(self.work.kind, runs[self.work.kind])

    @rx.event
    def dismiss_work(self) -> None:
        self.work = Work()

    @rx.event(background=True)
    async def update_balance(self, channel_id: int) -> Any:
        actor = await self._actor(ADMIN)
        await current_runtime().balances.update(actor, channel_id)
        async with self:
            await self._refresh()
        return notify("channels.balance_updated")

    @rx.event
    async def export(self) -> Any:
        """The current filter as a file."""
        rows: list[ChannelView] = []
        for number in range(EXPORTED_PAGES):
            found = await self._read(channels.page, query=self._chosen(number, channels.MAX_PAGE_SIZE))
            rows += [view_of(row, found.states.get(row.id), {}) for row in found.rows]
            if len(rows) >= found.total:
                break
        header = (
            "id",
            "name",
            "type",
            "status",
            "reason",
            "groups",
            "models",
            "response_ms",
            "balance",
            "used_quota",
            "priority",
            "weight",
        )
        return csv_download(
            "channels.csv",
            header,
            [
                (
                    row.id,
                    row.name,
                    row.title["en"],
                    row.state,
                    row.reason,
                    ",".join(row.groups),
                    row.models,
                    row.response_ms,
                    row.balance,
                    row.used,
                    row.priority,
                    row.weight,
                )
                for row in rows
            ],
        )


def _work(kind: str, progress: Progress) -> Work:
    return Work(kind, progress.running, progress.total, progress.done, progress.good)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _optional_number(text: Any) -> int | None:
    written = str(text or "").strip()
    if not written:
        return None
    try:
        return int(written)
    except ValueError:
        raise InvalidInput("请输入整数", "enter a whole number") from None
