"""Who proves to read an e-mail address, and what that permits: to register, to bind it, to get a new password.

Several transactions and a letter each, hence not functions of a unit of work; the rules are in ``service`` and
``policy``.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable

from oneapi_app.accounts import codes, policy, repository, service
from oneapi_app.accounts.letters import reset_letter, verification_letter
from oneapi_app.accounts.schemas import Registration
from oneapi_app.actor import Actor
from oneapi_app.errors import Unavailable, invalid_parameter
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.kit.ids import hex32
from oneapi_app.mail.errors import MailError
from oneapi_app.mail.mailer import Mailer
from oneapi_app.options import OptionValues

log = logging.getLogger(__name__)

MAX_RESETS_UNDER_WAY = 100
STOP_S = 5.0
_MINUTES = codes.LIFETIME_S // 60


class EmailProofs:
    """One per process."""

    def __init__(self, database: Database, mailer: Mailer, options: Callable[[], OptionValues]) -> None:
        self._database = database
        self._mailer = mailer
        self._options = options
        self._resets: set[asyncio.Task[None]] = set()

    async def send_code(self, email: str) -> None:
        """To an address nobody uses yet. Raises InvalidInput, Forbidden, Conflict, MailError."""
        options = self._options()
        if not policy.is_email(email):
            raise invalid_parameter()
        policy.check_email_domain(email, options)
        code = secrets.token_hex(3)
        await self._database.run(_issue_for_new, email=email, code=code)
        try:
            await self._mailer.send(email, verification_letter(options.system_name, code, _MINUTES))
        except MailError as error:
            log.warning("a verification code could not be mailed: %s", error.with_detail().en)
            raise

    async def send_reset_link(self, email: str) -> None:
        """In the background, and with the same answer whether or not anybody has this address.

        Raises InvalidInput, and MailError where no mail can be sent at all.
        """
        if not policy.is_email(email):
            raise invalid_parameter()
        self._mailer.check_configured()
        if len(self._resets) >= MAX_RESETS_UNDER_WAY:
            raise Unavailable("请求过于频繁，请稍后再试", "too many requests, try again later")
        task = asyncio.create_task(self._send_reset_link(email))
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)

    async def _send_reset_link(self, email: str) -> None:
        options = self._options()
        token = hex32()
        try:
            if await self._database.run(_issue_for_owner, email=email, token=token):
                letter = reset_letter(
                    options.system_name, options.effective_server_address, email, token, _MINUTES
                )
                await self._mailer.send(email, letter)
        except MailError as error:
            log.warning("a reset link could not be mailed: %s", error.with_detail().en)
        except Exception as error:
            log.warning("a reset link could not be mailed: %s", type(error).__name__)

    async def reset_password(self, email: str, token: str) -> str:
        """The new password of whoever has this address. Raises InvalidInput."""
        if not email or not token:
            raise invalid_parameter()
        return await self._database.run(service.reset_password, email=email, token=token)

    async def register(self, registration: Registration) -> None:
        """A new account with a password. Raises AppError."""
        options = self._options()
        if options.email_verification_enabled:
            await self._count_guess(registration.email, registration.verification_code)
        await self._database.run(service.register, registration=registration, options=options)

    async def bind_email(self, actor: Actor, *, email: str, code: str) -> None:
        """The actor's address from now on. Raises InvalidInput, Conflict."""
        await self._count_guess(email, code)
        await self._database.run(service.bind_email, actor, email=email, code=code)

    async def _count_guess(self, email: str, code: str) -> None:
        await self._database.run(codes.count_guess, purpose=codes.EMAIL, address=email, code=code)

    async def stop(self) -> None:
        """Waits a little for the links under way."""
        if self._resets:
            await asyncio.wait(self._resets, timeout=STOP_S)
        for task in list(self._resets):
            task.cancel()


def _issue_for_new(uow: UnitOfWork, *, email: str, code: str) -> None:
    if repository.is_email_taken(uow.session, email):
        raise service.email_taken()
    codes.issue(uow, purpose=codes.EMAIL, address=email, code=code)


def _issue_for_owner(uow: UnitOfWork, *, email: str, token: str) -> bool:
    if not service.owners_of(uow, email):
        return False
    codes.issue(uow, purpose=codes.PASSWORD_RESET, address=email, code=token)
    return True
