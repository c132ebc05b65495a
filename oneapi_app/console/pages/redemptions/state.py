"""What the page of redemption codes asks the service; all of it is for admins."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.console.amounts import explain_amount, read_amount, write_amount
from oneapi_app.console.components import TableState
from oneapi_app.console.notices import notify
from oneapi_app.errors import AppError, Conflict, InvalidInput
from oneapi_app.models.redemption import DISABLED, ENABLED, USED
from oneapi_app.redemptions import service
from oneapi_app.redemptions.schemas import RedeemedRow, RedemptionDraft, RedemptionQuery
from oneapi_app.runtime import current_runtime

_STATES = {ENABLED: "enabled", DISABLED: "disabled", USED: "used"}
_USUAL_UNITS = 500_000


@dataclass(frozen=True)
class CodeView:
    id: int = 0
    name: str = ""
    key: str = ""
    masked: str = ""
    quota: int = 0
    state: str = "enabled"
    created: int = 0
    redeemed: int = 0
    redeemer: str = ""


class RedemptionsState(TableState, rx.State):
    FILTERS = ("status",)
    DEFAULT_SORT = "-id"

    rows: list[CodeView] = []
    form_open: bool = False
    form: CodeView = CodeView()
    amount: str = ""
    amount_units: int = -1
    error: dict[str, str] = {}
    made: list[str] = []
    made_name: str = ""
    made_open: bool = False
    doomed: CodeView | None = None
    purging: bool = False

    @rx.var
    def made_text(self) -> str:
        """The new codes, one a line."""
        return "\n".join(self.made)

    async def _load_rows(self) -> None:
        status = self.filters.get("status", "")
        query = RedemptionQuery(
            page=self.page - 1,
            size=self.page_size,
            search=self.search,
            status=int(status) if status in ("1", "2", "3") else 0,
            sort=self.sort,
        )
        found = await self._read(service.page_codes, query=query)
        self.rows, self.total = [_view(row) for row in found.rows], found.total

    @rx.event
    async def start_new(self) -> None:
        await self._actor(ADMIN)
        self._open_form(CodeView(quota=_USUAL_UNITS))

    @rx.event
    async def start_edit(self, code_id: int) -> None:
        await self._actor(ADMIN)
        self._open_form(next((row for row in self.rows if row.id == code_id), CodeView()))

    def _open_form(self, form: CodeView) -> None:
        self.form, self.error, self.form_open = form, {}, True
        self.amount, self.amount_units = write_amount(form.quota, current_runtime().options), form.quota

    @rx.event
    def show_form(self, open: bool) -> None:
        self.form_open = open

    @rx.event
    async def weigh_amount(self, text: str) -> None:
        await self._actor(ADMIN)
        units = explain_amount(text, current_runtime().options)
        self.amount, self.amount_units = text, -1 if units is None else units

    @rx.event
    async def save(self, entered: dict[str, Any]) -> Any:
        name = str(entered.get("name", "")).strip()
        try:
            quota = read_amount(str(entered.get("amount", "")), current_runtime().options)
            if self.form.id:
                await self._call(service.update, redemption_id=self.form.id, name=name, quota=quota)
            else:
                count = str(entered.get("count", ""))
                draft = RedemptionDraft(name, quota, int(count) if count.isdigit() and len(count) < 6 else 0)
                self.made = await self._call(service.create, draft=draft)
                self.made_name, self.made_open = name, True
        except (InvalidInput, Conflict) as error:
            self.error = {"zh": error.zh, "en": error.en}
            return None
        self.form_open = False
        await self._refresh()
        return notify("redemptions.saved", name=name) if self.form.id else None

    @rx.event
    def close_made(self, _open: bool) -> None:
        self.made_open, self.made = False, []

    @rx.event
    def download(self) -> Any:
        """The new codes as a text file."""
        return rx.download(data=(self.made_text + "\n").encode(), filename=f"{self.made_name or 'codes'}.txt")

    @rx.event
    async def enable(self, code_id: int) -> None:
        await self._switch([code_id], ENABLED)

    @rx.event
    async def disable(self, code_id: int) -> None:
        await self._switch([code_id], DISABLED)

    @rx.event
    async def enable_selected(self) -> None:
        await self._switch(self.selected, ENABLED)

    @rx.event
    async def disable_selected(self) -> None:
        await self._switch(self.selected, DISABLED)

    async def _switch(self, ids: list[int], status: int) -> None:
        refused: AppError | None = None
        for code_id in ids:
            try:
                await self._call(service.set_status, redemption_id=code_id, status=status)
            except Conflict as error:
                refused = error
        self.selected = []
        await self._refresh()
        if refused is not None:
            raise refused

    @rx.event
    async def ask_delete(self, code_id: int) -> None:
        await self._actor(ADMIN)
        self.doomed = next((row for row in self.rows if row.id == code_id), None)

    @rx.event
    def close_delete(self, _open: bool) -> None:
        self.doomed = None

    @rx.event
    async def delete(self) -> Any:
        doomed, self.doomed = self.doomed, None
        if doomed is None:
            return None
        await self._call(service.delete, redemption_id=doomed.id)
        await self._refresh()
        return notify("redemptions.deleted", name=doomed.name)

    @rx.event
    def ask_purge(self, open: bool) -> None:
        self.purging = open

    @rx.event
    async def purge(self) -> Any:
        """Deletes all used codes."""
        self.purging = False
        count = await self._call(service.delete_used)
        await self._refresh()
        return notify("redemptions.purged", count=count)


def _view(found: RedeemedRow) -> CodeView:
    row = found.row
    return CodeView(
        id=row.id,
        name=row.name,
        key=row.key,
        masked=f"{row.key[:6]}…{row.key[-4:]}",
        quota=row.quota,
        state=_STATES.get(row.status, "disabled"),
        created=row.created_time,
        redeemed=row.redeemed_time,
        redeemer=found.redeemer,
    )
