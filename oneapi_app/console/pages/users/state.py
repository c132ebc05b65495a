"""What the users page asks the services; all of it is for admins, and the services know whom each may touch."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.accounts import administration
from oneapi_app.accounts.schemas import Manage, UserDraft, UserPatch, UserQuery, UserRow
from oneapi_app.actor import ADMIN, COMMON, ROOT
from oneapi_app.console.amounts import explain_amount, read_amount
from oneapi_app.console.components import TableState
from oneapi_app.console.notices import notify
from oneapi_app.console.pages.dashboard.series import Span, span_of, stack
from oneapi_app.errors import AppError, Conflict, Forbidden, InvalidInput
from oneapi_app.kit.clock import now_s
from oneapi_app.models.user import DISABLED, ENABLED
from oneapi_app.runtime import current_runtime
from oneapi_app.usage_log import figures
from oneapi_app.usage_log.schemas import UsageFilter

_ROLES = {COMMON: "common", ADMIN: "admin", ROOT: "root"}
_STATES = {ENABLED: "enabled", DISABLED: "disabled"}


@dataclass(frozen=True)
class UserView:
    """One row. ``methods``: how they may sign in, besides a password."""

    id: int = 0
    username: str = ""
    display_name: str = ""
    email: str = ""
    role: str = "common"
    state: str = "enabled"
    enabled: bool = True
    group: str = ""
    quota: int = 0
    used: int = 0
    requests: int = 0
    methods: str = ""
    inviter: int = 0


class UsersState(TableState, rx.State):
    FILTERS = ("role", "status", "group")
    DEFAULT_SORT = "-id"

    rows: list[UserView] = []
    groups: list[str] = []
    form_open: bool = False
    form: UserView = UserView()
    error: dict[str, str] = {}
    quota_open: bool = False
    adding: bool = True
    amount: str = ""
    amount_units: int = 0
    doomed: UserView | None = None
    drawer_open: bool = False
    shown: UserView = UserView()
    bars: list[dict[str, Any]] = []
    series: list[str] = []
    spent_week: int = 0
    spent_month: int = 0

    async def _load_rows(self) -> None:
        query = UserQuery(
            page=self.page - 1,
            size=self.page_size,
            search=self.search,
            status=_number(self.filters.get("status")),
            role=_number(self.filters.get("role")),
            group=self.filters.get("group", ""),
            sort=self.sort,
        )
        found = await self._read(administration.page_users, query=query)
        self.rows, self.total = [_view(row) for row in found.rows], found.total
        self.groups = sorted({*current_runtime().options.group_ratio, *(row.group for row in found.rows)})

    def _row(self, user_id: int) -> UserView:
        return next((row for row in self.rows if row.id == user_id), UserView())

    @rx.event
    async def start_new(self) -> None:
        await self._actor(ADMIN)
        self.form, self.error, self.form_open = UserView(group="default"), {}, True

    @rx.event
    async def start_edit(self, user_id: int) -> None:
        self.form = _view(await self._read(administration.get_user, user_id=user_id))
        self.error, self.form_open, self.drawer_open = {}, True, False

    @rx.event
    def show_form(self, open: bool) -> None:
        self.form_open = open

    @rx.event
    async def save(self, entered: dict[str, Any]) -> Any:
        options = current_runtime().options
        text = {name: str(value).strip() for name, value in entered.items()}
        password = str(entered.get("password", ""))
        try:
            if self.form.id:
                patch = UserPatch(
                    id=self.form.id,
                    username=text.get("username", ""),
                    display_name=text.get("display_name", ""),
                    password=password,
                    email=text.get("email", ""),
                    group=text.get("group", ""),
                )
                await self._call(administration.update_user, patch=patch, options=options)
            else:
                draft = UserDraft(
                    username=text.get("username", ""),
                    display_name=text.get("display_name", ""),
                    password=password,
                )
                made = await self._call(administration.create_user, draft=draft, options=options)
                if (group := text.get("group", "")) not in ("", "default"):
                    patch = UserPatch(id=made, group=group)
                    await self._call(administration.update_user, patch=patch, options=options)
        except (InvalidInput, Conflict, Forbidden) as error:
            self.error = {"zh": error.zh, "en": error.en}
            return None
        self.form_open = False
        await self._refresh()
        return notify("users.saved", name=text.get("username", ""))

    @rx.event
    async def start_quota(self, user_id: int) -> None:
        await self._actor(ADMIN)
        self.form, self.error = self._row(user_id), {}
        self.adding, self.amount, self.amount_units = True, "", 0
        self.quota_open, self.drawer_open = True, False

    @rx.event
    def show_quota(self, open: bool) -> None:
        self.quota_open = open

    @rx.event
    def set_direction(self, direction: str | list[str]) -> None:
        self.adding = direction != "take"

    @rx.event
    async def weigh_amount(self, text: str) -> None:
        await self._actor(ADMIN)
        self.amount, self.amount_units = text, explain_amount(text, current_runtime().options) or 0

    @rx.event
    async def save_quota(self, entered: dict[str, Any]) -> Any:
        options = current_runtime().options
        try:
            units = read_amount(str(entered.get("amount", "")), options)
            await self._call(
                administration.adjust_quota,
                user_id=self.form.id,
                units=units if self.adding else -units,
                reason=str(entered.get("reason", "")).strip(),
                options=options,
            )
        except (InvalidInput, Forbidden) as error:
            self.error = {"zh": error.zh, "en": error.en}
            return None
        self.quota_open = False
        await self._refresh()
        return notify("users.adjusted", name=self.form.username)

    @rx.event
    async def set_enabled(self, user_id: int, enabled: bool) -> None:
        try:
            await self._manage(self._row(user_id).username, "enable" if enabled else "disable")
        finally:
            await self._refresh()

    @rx.event
    async def promote(self, user_id: int) -> Any:
        return await self._manage_row(user_id, "promote")

    @rx.event
    async def demote(self, user_id: int) -> Any:
        return await self._manage_row(user_id, "demote")

    async def _manage_row(self, user_id: int, action: str) -> Any:
        name = self._row(user_id).username
        await self._manage(name, action)
        await self._refresh()
        return notify(f"users.{action}d", name=name)

    async def _manage(self, username: str, action: str) -> None:
        await self._call(administration.manage_user, order=Manage(username=username, action=action))

    @rx.event
    async def ask_delete(self, user_id: int) -> None:
        await self._actor(ADMIN)
        self.doomed = self._row(user_id)

    @rx.event
    def close_delete(self, _open: bool) -> None:
        self.doomed = None

    @rx.event
    async def delete(self) -> Any:
        doomed, self.doomed = self.doomed, None
        if doomed is None:
            return None
        await self._manage(doomed.username, "delete")
        await self._refresh()
        return notify("users.deleted", name=doomed.username)

    @rx.event
    async def enable_selected(self) -> Any:
        return await self._manage_selected("enable")

    @rx.event
    async def disable_selected(self) -> Any:
        return await self._manage_selected("disable")

    async def _manage_selected(self, action: str) -> Any:
        refused: AppError | None = None
        for user_id in self.selected:
            try:
                await self._manage(self._row(user_id).username, action)
            except (Forbidden, Conflict) as error:
                refused = error
        self.selected = []
        await self._refresh()
        if refused is not None:
            raise refused
        return notify("shell.saved")

    @rx.event
    async def look(self, user_id: int) -> None:
        """Who somebody is, and what they used in thirty days."""
        await self._actor(ADMIN)
        self.shown = self._row(user_id)
        now = now_s()
        span = span_of("month", now, 0)
        wanted = UsageFilter(user_id=user_id)
        groups = await self._usage(wanted, span, ("hour", "model_name"))
        self.bars, self.series = stack(groups, span, "spend")
        self.spent_month = sum(group.usage.quota for group in groups)
        recent = span_of("week", now, 0).start
        self.spent_week = sum(group.usage.quota for group in groups if int(group.key[0]) >= recent)
        self.drawer_open = True

    async def _usage(self, wanted: UsageFilter, span: Span, by: tuple[str, ...]) -> list[Any]:
        return await self._read(
            figures.sum_usage,
            start=span.start,
            end=span.end,
            by=by,
            wanted=wanted,
            whole_site=True,
            bucket_s=span.bucket_s,
            shift_s=span.shift_s,
        )

    @rx.event
    def show_drawer(self, open: bool) -> None:
        self.drawer_open = open


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 5 else 0


def _view(user: UserRow) -> UserView:
    bound = (
        ("GitHub", user.github_id),
        ("OIDC", user.oidc_id),
        ("Lark", user.lark_id),
        ("WeChat", user.wechat_id),
    )
    return UserView(
        id=user.id,
        username=user.username,
        display_name=user.display_name if user.display_name != user.username else "",
        email=user.email,
        role=_ROLES.get(user.role, "common"),
        state=_STATES.get(user.status, "deleted"),
        enabled=user.status == ENABLED,
        group=user.group,
        quota=user.quota,
        used=user.used_quota,
        requests=user.request_count,
        methods=", ".join(name for name, value in bound if value),
        inviter=user.inviter_id,
    )
