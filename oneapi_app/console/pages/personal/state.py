"""What the personal settings ask the account service: always about the viewer."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.accounts import service as accounts
from oneapi_app.accounts.schemas import SelfPatch, SessionRow
from oneapi_app.console.client import sign_out
from oneapi_app.console.notices import notify
from oneapi_app.console.session import ConsoleState
from oneapi_app.errors import AppError, Conflict, InvalidInput

_BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl", "python")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "python": "Python"}
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")


@dataclass(frozen=True)
class SessionView:
    """``device``: browser and system as far as they say."""

    id: str
    device: str
    address: str
    since: int
    seen: int
    current: bool


class PersonalState(ConsoleState, rx.State):
    loaded: bool = False
    username: str = ""
    display_name: str = ""
    group: str = ""
    is_root: bool = False
    sessions: list[SessionView] = []
    access_token: str = ""
    profile_error: dict[str, str] = {}
    password_error: dict[str, str] = {}
    delete_error: dict[str, str] = {}
    renewing: bool = False
    deleting: bool = False
    password_round: int = 0

    @rx.event
    async def enter(self) -> None:
        """On load; a token shown before is not shown again."""
        self.access_token = ""
        self.profile_error, self.password_error = {}, {}
        await self._load()

    async def _load(self) -> None:
        actor = await self._actor()
        own = await self._read(accounts.read_self)
        self.username, self.display_name = own.username, own.display_name
        self.group, self.is_root = own.group, actor.is_root
        self.sessions = [_view(row) for row in await self._read(accounts.list_sessions)]
        self.loaded = True

    @rx.event
    async def save_profile(self, entered: dict[str, Any]) -> Any:
        self.profile_error = {}
        patch = SelfPatch(
            username=str(entered.get("username", "")).strip(),
            display_name=str(entered.get("display_name", "")).strip(),
        )
        try:
            await self._call(accounts.update_self, patch=patch)
        except (InvalidInput, Conflict) as error:
            self.profile_error = _words(error)
            return None
        await self._load()
        return notify("shell.saved")

    @rx.event
    async def save_password(self, entered: dict[str, Any]) -> Any:
        self.password_error = {}
        new, again = str(entered.get("password", "")), str(entered.get("again", ""))
        try:
            if not new or new != again:
                raise InvalidInput("两次输入的密码不一致", "the two passwords differ")
            await self._call(accounts.update_self, patch=SelfPatch(password=new))
        except InvalidInput as error:
            self.password_error = _words(error)
            return None
        self.password_round += 1
        await self._load()
        return notify("personal.password_saved")

    @rx.event
    def ask_renew(self, open: bool) -> None:
        self.renewing = open

    @rx.event
    async def renew_access_token(self) -> None:
        """Makes a new token for the management API; shown until the page is left."""
        self.renewing = False
        self.access_token = await self._call(accounts.new_access_token)

    @rx.event
    async def end_other_sessions(self) -> Any:
        await self._call(accounts.end_other_sessions)
        await self._load()
        return notify("personal.sessions_ended")

    @rx.event
    def ask_delete(self, open: bool) -> None:
        self.deleting, self.delete_error = open, {}

    @rx.event
    async def delete_account(self, entered: dict[str, Any]) -> Any:
        """Needs the user name typed once more."""
        await self._actor()
        if str(entered.get("confirmation", "")).strip() != self.username:
            self.delete_error = {"zh": "用户名不一致", "en": "this is not your user name"}
            return None
        try:
            await self._call(accounts.delete_self)
        except AppError as error:
            self.delete_error = _words(error)
            return None
        self.deleting = False
        return sign_out()


def _words(error: AppError) -> dict[str, str]:
    return {"zh": error.zh, "en": error.en}


def _view(row: SessionRow) -> SessionView:
    browser = next((name for name in _BROWSERS if name in row.user_agent), "")
    system = next((name for name in _SYSTEMS if name in row.user_agent), "")
    device = " · ".join(
        part for part in (_NAMES.get(browser, browser), system.replace("Mac OS", "macOS")) if part
    )
    return SessionView(
        id=row.id,
        device=device or row.user_agent[:40],
        address=row.address,
        since=row.created_at,
        seen=row.seen_at,
        current=row.current,
    )
