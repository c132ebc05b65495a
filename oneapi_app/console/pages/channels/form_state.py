"""The channel's form: choosing a type, filling in, fetching models, testing before saving, saving.

Text fields live in the browser until one of the form's buttons is pressed; which one is ``_intent``. The key is
never kept in a variable the browser is sent.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.channels import service as channels
from oneapi_app.channels.enquiries import open_client
from oneapi_app.channels.policy import check_mapping, read_texts, split_keys, split_list
from oneapi_app.channels.schemas import ChannelDraft, ChannelRow
from oneapi_app.channels.upstream_models import fetch_models
from oneapi_app.console.notices import notify
from oneapi_app.console.pages.channels.state import ChannelsState
from oneapi_app.console.pages.channels.trial import Outcome, outcome_of
from oneapi_app.console.pages.channels.views import ConfigInput, Offer, config_inputs, offer_of, offers
from oneapi_app.console.session import ConsoleState
from oneapi_app.errors import AppError, InvalidInput
from oneapi_app.providers.base import Provider
from oneapi_app.providers.registry import catalogue, provider_for
from oneapi_app.runtime import current_runtime

SHOWN_MODELS = 300
MAX_CHOSEN_MODELS = 5000


@dataclass(frozen=True)
class ChannelForm:
    """What the form opens with. ``like``: the channel whose key is used where none is entered."""

    serial: int = 0
    """Grows with every opening, so that the browser's fields start anew."""
    id: int = 0
    like: int = 0
    name: str = ""
    base_url: str = ""
    system_prompt: str = ""
    priority: int = 0
    weight: int = 0


@dataclass(frozen=True)
class Renaming:
    """One line of the model mapping."""

    id: int
    source: str
    target: str


class ChannelFormState(ConsoleState, rx.State):
    shown: bool = False
    picking: bool = False
    type_search: str = ""
    form: ChannelForm = ChannelForm()
    offer: Offer = Offer()
    config: list[ConfigInput] = []
    known_groups: list[str] = []
    groups: list[str] = []
    chosen_models: list[str] = []
    candidates: list[str] = []
    model_search: str = ""
    keys: int = 0
    renamings: list[Renaming] = []
    mapping_raw: bool = False
    mapping_text: str = ""
    more: bool = False
    busy: str = ""
    trial_model: str = ""
    outcome: Outcome = Outcome()
    error: dict[str, str] = {}
    _intent: str = "save"
    _type: int = 0
    _stored_config: str = ""

    @rx.var
    def found_offers(self) -> list[Offer]:
        """Types whose name or address holds what is typed."""
        wanted = self.type_search.strip().lower()
        return [offer for offer in offers() if wanted in offer.words]

    @rx.var
    def offered_models(self) -> list[str]:
        """Those chosen, then those one could choose, as far as they match what is typed."""
        wanted = self.model_search.strip().lower()
        chosen = set(self.chosen_models)
        names = [*self.chosen_models, *(name for name in self.candidates if name not in chosen)]
        return [name for name in names if wanted in name.lower()][:SHOWN_MODELS]

    @rx.event
    async def start_new(self) -> None:
        await self._actor(ADMIN)
        self._reset(ChannelForm(serial=self.form.serial + 1))
        await self._learn_groups()
        self.groups = ["default"]
        self.shown = self.picking = True

    @rx.event
    async def start_edit(self, channel_id: int) -> None:
        row = await self._read(channels.get, channel_id=channel_id)
        await self._open(row, ChannelForm(id=row.id, like=row.id))

    @rx.event
    async def start_copy(self, channel_id: int) -> None:
        """A new channel like this one; its key is taken over without being shown."""
        row = await self._read(channels.get, channel_id=channel_id)
        await self._open(row, ChannelForm(like=row.id))

    async def _open(self, row: ChannelRow, form: ChannelForm) -> None:
        self._reset(
            replace(
                form,
                serial=self.form.serial + 1,
                name=row.name,
                base_url=row.base_url or "",
                system_prompt=row.system_prompt or "",
                priority=row.priority or 0,
                weight=row.weight or 0,
            )
        )
        await self._learn_groups()
        provider = provider_for(row.type)
        self._stored_config = _with_legacy(provider, row)
        self._take_type(provider, saved=True)
        self._type = row.type
        self.groups = list(split_list(row.group))
        self.chosen_models = list(split_list(row.models))
        self._take_mapping(read_texts(row.model_mapping))
        self.more = bool(self.renamings or row.system_prompt or row.priority or row.weight)
        self.shown = True

    def _reset(self, form: ChannelForm) -> None:
        self.form, self.offer, self.config = form, Offer(), []
        self.type_search = self.model_search = self.busy = self.trial_model = ""
        self.groups, self.chosen_models, self.candidates = [], [], []
        self.renamings, self.mapping_raw, self.mapping_text = [], False, ""
        self.picking = self.more = False
        self.keys, self.outcome, self.error = 0, Outcome(), {}
        self._stored_config, self._type = "", 0

    async def _learn_groups(self) -> None:
        used = await self._read(channels.used_values)
        self.known_groups = sorted({"default", *current_runtime().options.group_ratio, *used.groups})

    @rx.event
    def show(self, open: bool) -> None:
        self.shown = open

    @rx.event
    def pick_again(self) -> None:
        self.picking = True

    @rx.event
    def search_types(self, text: str) -> None:
        self.type_search = text

    @rx.event
    def pick_type(self, number: int) -> None:
        """Takes a type; models of the type before it are exchanged for this one's."""
        provider = provider_for(number)
        was_untouched = set(self.chosen_models) <= set(provider_for(self._type).models if self._type else ())
        self._take_type(provider, saved=False)
        self._type = provider.id
        if was_untouched and not self.form.id:
            self.chosen_models = list(provider.models)
        self.picking = False

    def _take_type(self, provider: Provider, *, saved: bool) -> None:
        self.offer = offer_of(provider)
        self.config = config_inputs(provider, self._stored_config, saved=saved)
        self.candidates = list(provider.models)

    @rx.event
    async def count_keys(self, text: str) -> None:
        """How many channels the entered lines make."""
        await self._actor(ADMIN)
        self.keys = len(split_keys(text))

    @rx.event
    def search_models(self, text: str) -> None:
        self.model_search = text

    @rx.event
    def toggle_model(self, name: str) -> None:
        chosen = self.chosen_models
        self.chosen_models = [m for m in chosen if m != name] if name in chosen else [*chosen, name]

    @rx.event
    def add_typed_models(self) -> None:
        """What is typed in the models' search field, as names of one's own."""
        typed = split_list(self.model_search.replace("，", ",").replace("\n", ","))
        self.chosen_models = list(dict.fromkeys([*self.chosen_models, *typed]))[:MAX_CHOSEN_MODELS]
        self.model_search = ""

    @rx.event
    def fill_models(self, which: str) -> None:
        """``type``: the type's own; ``all``: every model known; ``candidates``: all those on offer; ``none``."""
        names = {
            "type": list(provider_for(self._type).models),
            "all": list(dict.fromkeys(name for name, _ in catalogue())),
            "candidates": self.candidates,
        }.get(which, [])
        self.chosen_models = list(dict.fromkeys([*self.chosen_models, *names])) if names else []

    @rx.event
    def toggle_group(self, name: str) -> None:
        chosen = self.groups
        self.groups = [g for g in chosen if g != name] if name in chosen else [*chosen, name]

    @rx.event
    def add_group(self, text: str) -> None:
        names = split_list(text)
        self.known_groups = list(dict.fromkeys([*self.known_groups, *names]))
        self.groups = list(dict.fromkeys([*self.groups, *names]))

    @rx.event
    def show_more(self) -> None:
        self.more = not self.more

    @rx.event
    def add_renaming(self) -> None:
        following = max((line.id for line in self.renamings), default=0) + 1
        self.renamings = [*self.renamings, Renaming(following, "", "")]

    @rx.event
    def set_source(self, line: int, text: str) -> None:
        self.renamings = [replace(r, source=text.strip()) if r.id == line else r for r in self.renamings]

    @rx.event
    def set_target(self, line: int, text: str) -> None:
        self.renamings = [replace(r, target=text.strip()) if r.id == line else r for r in self.renamings]

    @rx.var
    def unlisted(self) -> list[str]:
        """Models the mapping renames but nobody can ask for, for the channel does not offer them."""
        offered = set(self.chosen_models)
        return [line.source for line in self.renamings if line.source and line.source not in offered]

    @rx.event
    def list_sources(self) -> None:
        self.chosen_models = list(dict.fromkeys([*self.chosen_models, *self.unlisted]))

    @rx.event
    def drop_renaming(self, line: int) -> None:
        self.renamings = [r for r in self.renamings if r.id != line]

    @rx.event
    def set_mapping_text(self, text: str) -> None:
        self.mapping_text = text

    @rx.event
    def show_raw_mapping(self, raw: bool) -> None:
        """Between the table and its JSON; JSON that is none stays where it is."""
        try:
            self.error = {}
            if raw:
                self.mapping_text = json.dumps(read_texts(self._mapping()), ensure_ascii=False, indent=2)
                self.mapping_raw = True
            else:
                self._take_mapping(read_texts(self._mapping()))
                self.mapping_raw = False
        except InvalidInput as error:
            self.error = {"zh": error.zh, "en": error.en}

    def _take_mapping(self, mapping: dict[str, str]) -> None:
        self.renamings = [
            Renaming(i, source, target) for i, (source, target) in enumerate(mapping.items(), 1)
        ]

    def _mapping(self) -> str:
        """As JSON, empty for none. Raises InvalidInput."""
        if self.mapping_raw:
            text = self.mapping_text.strip() or "{}"
            check_mapping(text)
            pairs = json.loads(text)
            return json.dumps(pairs, ensure_ascii=False) if pairs else ""
        pairs = {line.source: line.target for line in self.renamings if line.source and line.target}
        return json.dumps(pairs, ensure_ascii=False) if pairs else ""

    @rx.event
    def choose_trial_model(self, model: str) -> None:
        self.trial_model = model

    @rx.event
    def intend(self, what: str) -> None:
        """Which of the form's buttons is being pressed; ``submit`` follows."""
        self._intent = what

    @rx.event(background=True)
    async def submit(self, entered: dict[str, Any]) -> Any:
        """Saves, tests what is not saved yet, or asks the vendor for its models: as ``intend`` said before."""
        actor = await self._actor(ADMIN)
        async with self:
            intent, self._intent = self._intent, "save"
            self.busy, self.error = intent, {}
            form, trial_model = self.form, self.trial_model
            if intent == "test":
                self.outcome = Outcome("running")
        try:
            async with self:
                draft = self._draft(entered)
            if intent == "save":
                return await self._save(draft, form)
            record = await self._read(channels.draft_record, draft=draft, like=form.like)
            if intent == "test":
                result, asked = await current_runtime().prober.try_draft(actor, record, trial_model)
                async with self:
                    self.outcome = outcome_of(result, asked)
                return None
            async with open_client(current_runtime().settings.relay_proxy) as client:
                found = await fetch_models(record, client)
            async with self:
                self.candidates, self.model_search = found, ""
            return notify("channels.models_fetched", count=len(found))
        except AppError as error:
            async with self:
                self.error = {"zh": error.zh, "en": error.en}
                self.outcome = Outcome()
            return None
        finally:
            async with self:
                self.busy = ""

    async def _save(self, draft: ChannelDraft, form: ChannelForm) -> Any:
        if form.id:
            await self._call(channels.update, draft=draft)
            said = notify("channels.saved", name=draft.name)
        else:
            made = await self._call(channels.create, draft=draft, like=form.like)
            said = notify("channels.created", count=len(made))
        async with self:
            self.shown = False
        return [said, ChannelsState.refresh]

    def _draft(self, entered: dict[str, Any]) -> ChannelDraft:
        """Raises InvalidInput where the form itself knows that something is missing."""

        def text(name: str) -> str:
            return str(entered.get(name, "")).strip()

        provider = provider_for(self._type)
        if not text("name"):
            raise InvalidInput("请填写名称", "enter a name")
        if not self.groups:
            raise InvalidInput("请至少选择一个分组", "choose at least one group")
        if self.offer.needs_base_url and not text("base_url"):
            raise InvalidInput("请填写 Base URL", "enter the base URL")
        if not self.chosen_models:
            raise InvalidInput("请至少选择一个模型", "choose at least one model")
        config = read_texts(self._stored_config)
        for wanted in self.config:
            config[wanted.name] = text(f"config_{wanted.name}")
        return ChannelDraft(
            id=self.form.id,
            type=self._type,
            key=text("key") or self._key_from_config(provider, config),
            name=text("name"),
            weight=_whole(text("weight"), self.form.weight),
            base_url=text("base_url").rstrip("/"),
            models=",".join(self.chosen_models),
            group=",".join(self.groups),
            model_mapping=self._mapping(),
            priority=_whole(text("priority"), self.form.priority),
            config=json.dumps({name: value for name, value in config.items() if value}, ensure_ascii=False),
            system_prompt=str(entered.get("system_prompt", self.form.system_prompt)),
        )

    def _key_from_config(self, provider: Provider, config: dict[str, str]) -> str:
        """Types whose credentials are fields of their own have no key: theirs is what the original puts there."""
        if self.offer.key_kind != "unused" or self.form.like:
            return ""
        return "|".join(config.get(wanted.name, "") for wanted in provider.config_fields)


def _with_legacy(provider: Provider, row: ChannelRow) -> str:
    """``config`` with what older versions kept in ``other``."""
    config = read_texts(row.config)
    if not provider.legacy_other or not row.other or config.get(provider.legacy_other):
        return row.config
    return json.dumps(config | {provider.legacy_other: row.other}, ensure_ascii=False)


def _whole(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    try:
        return int(text)
    except ValueError:
        raise InvalidInput("优先级和权重必须是整数", "priority and weight are whole numbers") from None
