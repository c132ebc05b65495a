"""What the top-up page asks the services: the viewer's own balance, invitation and history."""

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import reflex as rx

from oneapi_app.accounts import service as accounts
from oneapi_app.console.client import Viewer, remember_viewer
from oneapi_app.console.notices import notify
from oneapi_app.console.session import ConsoleState
from oneapi_app.console.snippets import public_address
from oneapi_app.errors import Conflict, InvalidInput
from oneapi_app.models.log import TOP_UP
from oneapi_app.redemptions import service as redemptions
from oneapi_app.runtime import current_runtime
from oneapi_app.usage_log import service as usage_log
from oneapi_app.usage_log.schemas import LogFilter

_HISTORY = 20


@dataclass(frozen=True)
class TopUpView:
    at: int
    said: str


class TopUpState(ConsoleState, rx.State):
    loaded: bool = False
    balance: int = 0
    used: int = 0
    requests: int = 0
    shop: str = ""
    invitation: str = ""
    inviter_reward: int = 0
    invitee_reward: int = 0
    history: list[TopUpView] = []
    error: dict[str, str] = {}
    redeeming: bool = False

    @rx.event
    async def enter(self) -> None:
        await self._load()

    async def _load(self) -> None:
        options = current_runtime().options
        own = await self._read(accounts.read_self)
        code = await self._call(accounts.invitation_code)
        chosen = LogFilter(type=TOP_UP, username=own.username)
        found = await self._read(usage_log.page_entries, chosen=chosen, size=_HISTORY)
        self.balance, self.used, self.requests = own.quota, own.used_quota, own.request_count
        self.shop = _shop(options.top_up_link, own.username, own.id)
        address = public_address(options.text("ServerAddress"), self.router.url.origin)
        self.invitation = f"{address}/register?aff={code}"
        self.inviter_reward, self.invitee_reward = options.quota_for_inviter, options.quota_for_invitee
        self.history = [TopUpView(entry.row.created_at, entry.row.content) for entry in found.entries]
        self.error, self.loaded = {}, True

    @rx.event
    async def redeem(self, entered: dict[str, Any]) -> Any:
        self.error = {}
        await self._count_attempt()
        try:
            await self._call(
                redemptions.redeem, key=str(entered.get("code", "")), options=current_runtime().options
            )
        except (InvalidInput, Conflict) as error:
            self.error = {"zh": error.zh, "en": error.en}
            return None
        actor = await self._actor()
        await self._load()
        own = await self._read(accounts.read_self)
        viewer = Viewer(
            id=own.id,
            name=own.display_name or own.username,
            role=actor.role,
            group=actor.group,
            quota=own.quota,
        )
        return [remember_viewer(viewer), rx.set_value("redeem-code", ""), notify("topup.redeemed")]


def _shop(link: str, username: str, user_id: int) -> str:
    """The operator's shop, told who is buying, with a transaction id of its own; "" where there is none."""
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https"):
        return ""
    who = urlencode({"username": username, "user_id": user_id, "transaction_id": str(uuid.uuid4())})
    return urlunsplit(parts._replace(query=f"{parts.query}&{who}" if parts.query else who))
