"""Tells operators and users, in the background and in order. Whoever has something to tell never waits, never fails.

Each notice comes from the one node that did what it is about: a channel is switched in one transaction, a balance
crosses a limit in one, and only the process whose transaction it was hears of it here.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from oneapi_app.accounts import contacts
from oneapi_app.actor import ROOT, Actor, require_role
from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.ledger.crossings import crossings
from oneapi_app.billing.policy import quota_text
from oneapi_app.channels.schemas import ProbeReport
from oneapi_app.errors import InvalidInput
from oneapi_app.events import ChannelSwitched
from oneapi_app.kit.database import Database
from oneapi_app.mail.errors import MailError
from oneapi_app.mail.letter import Letter
from oneapi_app.mail.mailer import Mailer
from oneapi_app.notices.letters import channel_letter, quota_letter, report_letter, trial_letter
from oneapi_app.notices.pusher import MessagePusher
from oneapi_app.options import OptionValues

log = logging.getLogger(__name__)

MAX_WAITING = 500
STOP_S = 5.0
"""At a stop, what waits is given this long."""


@dataclass(frozen=True, slots=True)
class _Notice:
    """``user_id`` 0: to the operator."""

    letter: Letter
    user_id: int = 0


class Notices:
    """One per process."""

    def __init__(self, database: Database, mailer: Mailer, options: Callable[[], OptionValues]) -> None:
        self._database = database
        self._mailer = mailer
        self._options = options
        self._pusher = MessagePusher()
        self._waiting: asyncio.Queue[_Notice] = asyncio.Queue(MAX_WAITING)
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        if self._worker is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._waiting.join(), STOP_S)
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        await self._pusher.aclose()

    async def delivered(self) -> None:
        """Everything told so far has gone, or failed."""
        await self._waiting.join()

    async def on_events(self, events: Sequence[Any]) -> None:
        """Subscribes to the database."""
        for event in events:
            if isinstance(event, ChannelSwitched):
                self._tell_operator(channel_letter(event))

    def channel_test_finished(self, report: ProbeReport) -> None:
        self._tell_operator(report_letter(report))

    def balances_applied(self, batch: Batch, found: BalancesRead) -> None:
        """Watches the ledger."""
        if not self._mailer.is_configured:
            return
        options = self._options()
        for crossing in crossings(batch, found, options.quota_remind_threshold):
            letter = quota_letter(
                crossing.balance, _amount(crossing.balance, options), options.effective_server_address
            )
            self._add(_Notice(letter, crossing.user_id))

    async def send_test_letter(self, actor: Actor, *, receiver: str = "") -> str:
        """Root tries the mail settings, by default on its own address; where it went. Raises MailError in full words."""
        require_role(actor, ROOT)
        to = receiver.strip() or await self._database.read(contacts.email_of, actor.user_id)
        if not to:
            raise InvalidInput("请输入收件人邮箱地址", "enter the address to send it to")
        try:
            await self._mailer.send(to, trial_letter(self._options().system_name))
        except MailError as error:
            raise error.with_detail() from None
        return to

    def _tell_operator(self, letter: Letter) -> None:
        if self._options().message_pusher_address or self._mailer.is_configured:
            self._add(_Notice(letter))

    def _add(self, notice: _Notice) -> None:
        try:
            self._waiting.put_nowait(notice)
        except asyncio.QueueFull:
            log.warning("a notice was dropped: %d are waiting already", MAX_WAITING)

    async def _work(self) -> None:
        while True:
            notice = await self._waiting.get()
            try:
                await (self._to_user(notice) if notice.user_id else self._to_operator(notice.letter))
            except MailError as error:
                log.warning("a notice could not be mailed: %s", error.with_detail().en)
            except Exception as error:
                log.warning("a notice could not be delivered: %s", type(error).__name__)
            finally:
                self._waiting.task_done()

    async def _to_operator(self, letter: Letter) -> None:
        options = self._options()
        address = options.message_pusher_address
        if address and await self._pusher.push(address, options.message_pusher_token, letter):
            return
        if not self._mailer.is_configured:
            return
        email = await self._database.read(contacts.root_email)
        if not email:
            log.warning("a notice could not be mailed: root has no e-mail address")
            return
        await self._mailer.send(email, letter)

    async def _to_user(self, notice: _Notice) -> None:
        email = await self._database.read(contacts.email_of, notice.user_id)
        if email:
            await self._mailer.send(email, notice.letter)


def _amount(units: int, options: OptionValues) -> str:
    if not options.display_in_currency_enabled:
        return ""
    return quota_text(units, in_currency=True, units_per_currency=options.quota_per_unit)
