"""What the settings pages ask the option service. Root only; secrets go in and never come out."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ROOT
from oneapi_app.console.client import remember_site
from oneapi_app.console.notices import notify
from oneapi_app.console.pages.settings.sections import SECTIONS, Kind, Section
from oneapi_app.console.session import ConsoleState
from oneapi_app.console.shell.state import site_facts
from oneapi_app.errors import AppError, InvalidInput
from oneapi_app.runtime import current_runtime
from oneapi_app.system import service as system

_DOCUMENTS = {
    entry.option for section in SECTIONS.values() for entry in section.fields if entry.kind is Kind.DOCUMENT
}
_TABLES = ("ModelRatio", "CompletionRatio", "GroupRatio")


class SettingsState(ConsoleState, rx.State):
    loaded: bool = False
    serials: dict[str, int] = {}
    """By section; grows when its fields are to start anew in the browser. The others keep what is being typed."""
    values: dict[str, str] = {}
    secrets: list[str] = []
    """Names of the secrets that are set."""
    failed: str = ""
    """The section ``error`` belongs to."""
    error: dict[str, str] = {}
    drafts: dict[str, str] = {}
    """Documents as they are typed, for their preview."""
    shown_draft: str = ""

    @rx.event
    async def open(self) -> None:
        self.failed, self.error, self.shown_draft = "", {}, ""
        await self._load()
        self.drafts = {name: self.values[name] for name in _DOCUMENTS}
        self.serials = {name: self.serials.get(name, 0) + 1 for name in SECTIONS}
        self.loaded = True

    async def _load(self) -> None:
        settings = current_runtime().settings
        found = await self._read(system.describe_options, settings=settings)
        self.values = {name: text for name, text in found.values.items() if name not in _TABLES}
        self.secrets = found.secrets_set

    @rx.event
    async def switch(self, option: str, on: bool) -> Any:
        """Saved at once; what could not be saved goes back."""
        return await self._save(_section_of(option), {option: "true" if on else "false"}, renew=False)

    @rx.event
    async def choose_theme(self, name: str) -> Any:
        return await self._save("theme", {"Theme": name}, renew=False)

    @rx.event
    async def save(self, section: str, entered: dict[str, Any]) -> Any:
        """The fields of one card that have changed. An empty secret stays what it was."""
        await self._actor(ROOT)
        card = SECTIONS.get(section)
        if card is None:
            raise InvalidInput("无效的参数", "no such section")
        return await self._save(section, self._changes(card, entered))

    def _changes(self, card: Section, entered: dict[str, Any]) -> dict[str, str]:
        changes: dict[str, str] = {}
        for entry in card.fields:
            if entry.option not in entered:
                continue
            text = str(entered[entry.option])
            if entry.kind is not Kind.DOCUMENT:
                text = text.strip()
            if entry.kind is Kind.LIST:
                text = ",".join(text.replace("，", ",").replace(",", " ").split())
            unchanged = not text if entry.kind is Kind.WRITE_ONLY else text == self.values.get(entry.option)
            if not unchanged:
                changes[entry.option] = text
        return changes

    @rx.event
    async def forget_secret(self, option: str) -> Any:
        return await self._save(_section_of(option), {option: ""})

    async def _save(self, section: str, changes: dict[str, str], *, renew: bool = True) -> Any:
        self.failed, self.error = "", {}
        try:
            await self._call(system.save_options, changes=changes)
        except AppError as error:
            self.failed, self.error = section, {"zh": error.zh, "en": error.en}
            return None
        await self._load()
        self.drafts = self.drafts | {n: self.values[n] for n in changes if n in _DOCUMENTS}
        if renew:
            self.serials = {**self.serials, section: self.serials.get(section, 0) + 1}
        runtime = current_runtime()
        return [notify("shell.saved"), remember_site(site_facts(runtime.options, runtime.settings.theme))]

    @rx.event
    def type_draft(self, option: str, text: str) -> None:
        if option in self.drafts:
            self.drafts = {**self.drafts, option: text}

    @rx.event
    def show_draft(self, option: str, how: str | list[str]) -> None:
        self.shown_draft = option if how == "preview" else ""


def _section_of(option: str) -> str:
    for section in SECTIONS.values():
        if any(entry.option == option for entry in section.entries):
            return section.name
    raise InvalidInput("无效的参数", "no such option")
