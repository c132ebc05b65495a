"""What the token page asks the services: always the viewer's own tokens."""

from dataclasses import dataclass, replace
from typing import Any

import reflex as rx
import segno

from oneapi_app.accounts import service as accounts
from oneapi_app.console.amounts import explain_amount, read_amount, write_amount
from oneapi_app.console.components import TableState
from oneapi_app.console.notices import notify
from oneapi_app.console.snippets import Snippets, public_address, write_snippets
from oneapi_app.errors import AppError, Conflict, InvalidInput
from oneapi_app.kit.clock import now_s
from oneapi_app.models.token import DISABLED, ENABLED, EXHAUSTED, EXPIRED, NEVER_EXPIRES
from oneapi_app.options import OptionValues
from oneapi_app.runtime import current_runtime
from oneapi_app.tokens import service as tokens
from oneapi_app.tokens.policy import split_list
from oneapi_app.tokens.schemas import TokenDraft, TokenQuery, TokenRow
from oneapi_app.usage_log import figures

_STATES = {ENABLED: "enabled", DISABLED: "disabled", EXPIRED: "expired", EXHAUSTED: "exhausted"}
_SPANS_S = {"hour": 3_600, "day": 86_400, "month": 30 * 86_400}
_EXAMPLE_MODEL = "gpt-4o-mini"


@dataclass(frozen=True)
class TokenView:
    """One row as the table draws it. ``state`` also knows what the next request would find out."""

    id: int
    name: str
    key: str
    masked: str
    state: str
    enabled: bool
    remain: int
    unlimited: bool
    used: int
    expires: int
    last_used: int
    created: int
    models: int
    limits: str


@dataclass(frozen=True)
class TokenForm:
    """What the form opens with. ``expiry``: never, hour, day, month, date."""

    id: int = 0
    name: str = ""
    unlimited: bool = False
    expiry: str = "never"
    expires: int = 0
    subnet: str = ""


class TokensState(TableState, rx.State):
    FILTERS = ("status",)
    DEFAULT_SORT = "-id"

    rows: list[TokenView] = []
    form_open: bool = False
    form: TokenForm = TokenForm()
    amount: str = ""
    amount_units: int = -1
    all_models: list[str] = []
    chosen_models: list[str] = []
    model_search: str = ""
    error: dict[str, str] = {}
    doomed: TokenView | None = None
    using: TokenView | None = None
    just_made: bool = False
    snippets: Snippets = Snippets()
    code: str = ""
    code_of: str = "key"
    language: str = "curl"
    _stored_amount: str = ""

    @rx.var
    def offered_models(self) -> list[str]:
        """Models the form shows: those chosen, and those that match what is typed."""
        wanted = self.model_search.strip().lower()
        matching = [name for name in self.all_models if wanted in name.lower()]
        return [*self.chosen_models, *(name for name in matching if name not in self.chosen_models)][:200]

    async def _load_rows(self) -> None:
        query = TokenQuery(
            page=self.page - 1,
            size=self.page_size,
            search=self.search,
            status=int(self.filters["status"]) if self.filters.get("status", "").isdigit() else 0,
            sort=self.sort,
        )
        found = await self._read(tokens.page_own, query=query)
        spent = await self._read(figures.sum_usage, start=0, end=now_s() + 1, by=("token_name",))
        by_name = {str(group.key[0]): group.usage.quota for group in spent}
        self.rows = [_view(row, by_name) for row in found.rows]
        self.total = found.total

    @rx.event
    async def start_new(self) -> None:
        options = current_runtime().options
        self.all_models = await self._read(accounts.available_models)
        self._open_form(TokenForm(), 500_000, [], options)

    @rx.event
    async def start_edit(self, token_id: int) -> None:
        options = current_runtime().options
        token = await self._read(tokens.get_own, token_id=token_id)
        self.all_models = await self._read(accounts.available_models)
        never = token.expired_time == NEVER_EXPIRES
        form = TokenForm(
            id=token.id,
            name=token.name,
            unlimited=token.unlimited_quota,
            expiry="never" if never else "date",
            expires=0 if never else token.expired_time,
            subnet=token.subnet or "",
        )
        self._open_form(form, max(token.remain_quota, 0), list(split_list(token.models)), options)

    def _open_form(self, form: TokenForm, units: int, models: list[str], options: OptionValues) -> None:
        self.form, self.chosen_models = form, models
        self.error, self.model_search = {}, ""
        self.amount = self._stored_amount = write_amount(units, options)
        self.amount_units = units
        self.form_open = True

    @rx.event
    def show_form(self, open: bool) -> None:
        self.form_open = open

    @rx.event
    def set_unlimited(self, unlimited: bool) -> None:
        self.form = replace(self.form, unlimited=unlimited)

    @rx.event
    def set_expiry(self, kind: str | list[str]) -> None:
        if isinstance(kind, str) and kind in ("never", "date", *_SPANS_S):
            self.form = replace(self.form, expiry=kind)

    @rx.event
    async def weigh_amount(self, text: str) -> None:
        """Shows what the amount is in units while it is typed."""
        await self._actor()
        units = explain_amount(text, current_runtime().options)
        self.amount, self.amount_units = text, -1 if units is None else units

    @rx.event
    def search_models(self, text: str) -> None:
        self.model_search = text

    @rx.event
    def toggle_model(self, name: str) -> None:
        chosen = self.chosen_models
        self.chosen_models = [m for m in chosen if m != name] if name in chosen else [*chosen, name]

    @rx.event
    def allow_all_models(self) -> None:
        self.chosen_models = []

    @rx.event
    async def save(self, entered: dict[str, Any]) -> Any:
        self.error = {}
        try:
            draft = self._draft(entered, current_runtime().options)
            if self.form.id:
                await self._call(tokens.update, token_id=self.form.id, draft=draft)
                said: Any = notify("tokens.saved", name=draft.name or "")
            else:
                made = await self._call(tokens.create, draft=draft)
                self._use(_view(made, {}), just_made=True)
                said = None
        except (InvalidInput, Conflict) as error:
            self.error = {"zh": error.zh, "en": error.en}
            return None
        self.form_open = False
        await self._refresh()
        return said

    def _draft(self, entered: dict[str, Any], options: OptionValues) -> TokenDraft:
        amount = str(entered.get("amount", self._stored_amount))
        keep = self.form.unlimited or (self.form.id and amount == self._stored_amount)
        return TokenDraft(
            name=str(entered.get("name", "")).strip(),
            expired_time=_expiry(self.form.expiry, entered.get("expires")),
            remain_quota=None if keep else read_amount(amount, options),
            unlimited_quota=self.form.unlimited,
            models=",".join(self.chosen_models),
            subnet=",".join(str(entered.get("subnet", "")).replace("，", ",").replace("\n", ",").split()),
        )

    @rx.event
    async def set_enabled(self, token_id: int, enabled: bool) -> Any:
        try:
            status = ENABLED if enabled else DISABLED
            await self._call(tokens.set_status, token_id=token_id, status=status)
        finally:
            await self._refresh()

    @rx.event
    async def ask_delete(self, token_id: int) -> None:
        await self._actor()
        self.doomed = next((row for row in self.rows if row.id == token_id), None)

    @rx.event
    def close_delete(self, _open: bool) -> None:
        self.doomed = None

    @rx.event
    async def delete(self) -> Any:
        doomed, self.doomed = self.doomed, None
        if doomed is None:
            return None
        await self._call(tokens.delete, token_id=doomed.id)
        await self._refresh()
        return notify("tokens.deleted", name=doomed.name)

    @rx.event
    async def enable_selected(self) -> Any:
        return await self._switch_selected(ENABLED)

    @rx.event
    async def disable_selected(self) -> Any:
        return await self._switch_selected(DISABLED)

    async def _switch_selected(self, status: int) -> Any:
        refused: AppError | None = None
        for token_id in self.selected:
            try:
                await self._call(tokens.set_status, token_id=token_id, status=status)
            except Conflict as error:
                refused = error
        self.selected = []
        await self._refresh()
        if refused is not None:
            raise refused
        return notify("tokens.switched")

    @rx.event
    async def use(self, token_id: int) -> None:
        """Opens what one needs to use the token."""
        token = await self._read(tokens.get_own, token_id=token_id)
        models = await self._read(accounts.available_models)
        self._use(_view(token, {}), just_made=False, models=models)

    def _use(self, token: TokenView, *, just_made: bool, models: list[str] | None = None) -> None:
        options = current_runtime().options
        usable = self.chosen_models if just_made else models or []
        self.using, self.just_made = token, just_made
        self.snippets = write_snippets(
            key=token.key,
            address=public_address(options.text("ServerAddress"), self.router.url.origin),
            model=(usable or self.all_models or [_EXAMPLE_MODEL])[0],
            chat_link=options.chat_link,
        )
        self._draw_code("key")

    @rx.event
    def close_use(self, _open: bool) -> None:
        self.using, self.snippets, self.code = None, Snippets(), ""

    @rx.event
    def set_language(self, language: str | list[str]) -> None:
        if isinstance(language, str):
            self.language = language

    @rx.event
    def set_code_of(self, what: str | list[str]) -> None:
        """What the QR code leads a phone to."""
        if isinstance(what, str) and what in ("key", "next_chat", "ama", "open_cat"):
            self._draw_code(what)

    def _draw_code(self, what: str) -> None:
        text = getattr(self.snippets, what)
        self.code_of = what
        self.code = segno.make(text, error="m", micro=False).svg_data_uri(scale=4, border=2) if text else ""


def _expiry(kind: str, picked: Any) -> int:
    if kind == "never":
        return NEVER_EXPIRES
    if kind in _SPANS_S:
        return now_s() + _SPANS_S[kind]
    try:
        moment = int(picked or 0)
    except ValueError:
        moment = 0
    if moment <= 0:
        raise InvalidInput("请选择过期时间", "choose when it expires")
    return moment


def _view(token: TokenRow, spent: dict[str, int]) -> TokenView:
    now = now_s()
    state = _STATES.get(token.status, "disabled")
    if token.status == ENABLED and token.expired_time != NEVER_EXPIRES and token.expired_time <= now:
        state = "expired"
    elif token.status == ENABLED and not token.unlimited_quota and token.remain_quota <= 0:
        state = "exhausted"
    used = token.used_quota or (spent.get(token.name, 0) if token.unlimited_quota else 0)
    return TokenView(
        id=token.id,
        name=token.name,
        key=f"sk-{token.key}",
        masked=f"sk-{token.key[:4]}…{token.key[-4:]}",
        state=state,
        enabled=token.status == ENABLED,
        remain=token.remain_quota,
        unlimited=token.unlimited_quota,
        used=used,
        expires=0 if token.expired_time == NEVER_EXPIRES else token.expired_time,
        last_used=token.accessed_time if token.accessed_time > token.created_time else 0,
        created=token.created_time,
        models=len(split_list(token.models)),
        limits=", ".join((*split_list(token.models), *split_list(token.subnet))),
    )
