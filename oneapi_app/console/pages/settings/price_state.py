"""The ratio tables: searched, compared with the built-in ones, edited here and saved as a whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.actor import ROOT
from oneapi_app.billing.prices import built_in_completion_ratios, built_in_model_ratios, table_text
from oneapi_app.console.notices import notify
from oneapi_app.console.session import ConsoleState
from oneapi_app.errors import AppError, InvalidInput
from oneapi_app.options import OPTIONS, read_option
from oneapi_app.runtime import current_runtime
from oneapi_app.system import service as system

TABLES = ("ModelRatio", "CompletionRatio", "GroupRatio")
SHOWN_ROWS = 100
MAX_NAME = 191
USD_PER_MILLION = 2.0
"""Price of a million tokens at ratio 1."""


@dataclass(frozen=True)
class Ratio:
    """One line. ``state``: same, changed, added."""

    name: str
    ratio: float
    built_in: float
    state: str
    price: str
    """US dollars for a million prompt tokens; empty outside the model table."""


class PriceState(ConsoleState, rx.State):
    table: str = TABLES[0]
    search: str = ""
    only: str = "all"
    rows: list[Ratio] = []
    matching: int = 0
    total: int = 0
    differing: int = 0
    unsaved: int = 0
    raw: bool = False
    raw_text: str = ""
    error: dict[str, str] = {}
    loaded: bool = False
    _saved: dict[str, float] = {}
    _entries: dict[str, float] = {}

    @rx.event
    async def open(self) -> None:
        await self._load(self.table)

    @rx.event
    async def choose(self, table: str | list[str]) -> None:
        await self._actor(ROOT)
        if isinstance(table, str) and table in TABLES:
            await self._load(table)

    async def _load(self, table: str) -> None:
        found = await self._read(system.describe_options, settings=current_runtime().settings)
        self.table, self.raw, self.error = table, False, {}
        try:
            self._saved = effective(table, found.values[table])
        except InvalidInput as error:
            self._saved, self.error = {}, {"zh": error.zh, "en": error.en}
        self._entries = dict(self._saved)
        self.search, self.only = "", "all"
        self._draw()
        self.loaded = True

    @rx.event
    def search_for(self, text: str) -> None:
        self.search = text
        self._draw()

    @rx.event
    def show_only(self, only: str | list[str]) -> None:
        self.only = only if only in ("all", "differing", "unsaved") and isinstance(only, str) else "all"
        self._draw()

    @rx.event
    def set_ratio(self, name: str, ratio: float) -> None:
        if name in self._entries and ratio >= 0:
            self._entries[name] = float(ratio)
            self._draw()

    @rx.event
    def restore(self, name: str) -> None:
        """To the built-in ratio; an entry of one's own goes."""
        built_in = built_in_table(self.table)
        if name in built_in:
            self._entries[name] = built_in[name]
        else:
            self._entries.pop(name, None)
        self._draw()

    @rx.event
    def remove(self, name: str) -> None:
        """A group; models cannot be taken out of the built-in tables."""
        if self.table == "GroupRatio":
            self._entries.pop(name, None)
            self._draw()

    @rx.event
    def restore_all(self) -> None:
        self._entries = dict(built_in_table(self.table))
        self._draw()

    @rx.event
    def discard(self) -> None:
        self._entries = dict(self._saved)
        self.error, self.raw = {}, False
        self._draw()

    @rx.event
    def add(self, entered: dict[str, Any]) -> None:
        """A line of one's own; it stands first until it is saved."""
        name = str(entered.get("name", "")).strip()
        try:
            ratio = float(str(entered.get("ratio", "")).strip() or "nan")
        except ValueError:
            ratio = float("nan")
        if not name or len(name) > MAX_NAME or not ratio >= 0:
            self.error = {"zh": "请填写名称和不小于 0 的倍率", "en": "enter a name and a ratio of at least 0"}
            return
        self.error = {}
        self._entries[name] = ratio
        self.search = ""
        self._draw(first=name)

    @rx.event
    def show_raw(self, how: str | list[str]) -> None:
        """Between lines and JSON; JSON that cannot be read stays where it is."""
        self.error = {}
        if how == "raw" and not self.raw:
            self.raw_text = json.dumps(dict(sorted(self._entries.items())), ensure_ascii=False, indent=2)
            self.raw = True
        elif how == "table" and self.raw and self._take_raw():
            self.raw = False

    @rx.event
    def set_raw_text(self, text: str) -> None:
        self.raw_text = text

    def _take_raw(self) -> bool:
        try:
            self._entries = effective(self.table, self.raw_text)
        except InvalidInput as error:
            self.error = {"zh": error.zh, "en": error.en}
            return False
        self._draw()
        return True

    @rx.event
    async def save(self) -> Any:
        await self._actor(ROOT)
        self.error = {}
        if self.raw and not self._take_raw():
            return None
        try:
            await self._call(system.save_options, changes={self.table: table_text(self._entries)})
        except AppError as error:
            self.error = {"zh": error.zh, "en": error.en}
            return None
        await self._load(self.table)
        return notify("shell.saved")

    def _draw(self, first: str = "") -> None:
        built_in = built_in_table(self.table)
        lines = [_line(self.table, name, ratio, built_in) for name, ratio in self._entries.items()]
        self.total = len(lines)
        self.differing = sum(line.state != "same" for line in lines)
        changed = {n for n, r in self._entries.items() if self._saved.get(n) != r}
        self.unsaved = len(changed) + len(self._saved.keys() - self._entries.keys())
        wanted = self.search.strip().lower()
        chosen = [
            line
            for line in lines
            if wanted in line.name.lower()
            and (self.only != "differing" or line.state != "same")
            and (self.only != "unsaved" or line.name in changed)
        ]
        chosen.sort(key=lambda line: (line.name != first, line.name.lower(), line.name))
        self.matching = len(chosen)
        self.rows = chosen[:SHOWN_ROWS]


def built_in_table(table: str) -> Mapping[str, float]:
    if table == "ModelRatio":
        return {name: ratio for name, ratio in built_in_model_ratios().items() if ratio >= 0}
    if table == "CompletionRatio":
        return built_in_completion_ratios()
    return read_option("GroupRatio", OPTIONS["GroupRatio"].default)


def effective(table: str, text: str) -> dict[str, float]:
    """The table that prices are looked up in: models the text leaves out keep their built-in ratio.

    A negative ratio, which the original's own table holds, counts as no entry.
    """
    below = {} if table == "GroupRatio" else built_in_table(table)
    return {**below, **{name: ratio for name, ratio in read_option(table, text).items() if ratio >= 0}}


def _line(table: str, name: str, ratio: float, built_in: Mapping[str, float]) -> Ratio:
    own = name not in built_in
    state = "added" if own else ("same" if built_in[name] == ratio else "changed")
    price = f"${ratio * USD_PER_MILLION:.4f}".rstrip("0").rstrip(".") if table == "ModelRatio" else ""
    return Ratio(name, ratio, built_in.get(name, 0), state, price)
