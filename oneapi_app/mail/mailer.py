"""Sends letters through the server the options name, in threads of its own: a slow mail server delays mail only."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from oneapi_app.mail.errors import MailError
from oneapi_app.mail.letter import Letter, Sender, ascii_domain, compose, receivers_of, sender_address
from oneapi_app.mail.smtp import MailServer, deliver
from oneapi_app.options import OptionValues

log = logging.getLogger(__name__)

AT_ONCE = 4
LONGEST_S = 60.0
"""A letter that has not gone by then is reported as failed; the conversation's own limits end it soon after."""


class Mailer:
    """One per process."""

    def __init__(self, options: Callable[[], OptionValues]) -> None:
        self._options = options
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mail")

    @property
    def is_configured(self) -> bool:
        options = self._options()
        return bool(options.smtp_server and (options.smtp_from or options.smtp_account))

    def check_configured(self) -> None:
        """Raises MailError where no letter could be sent whatever it says."""
        if not self.is_configured:
            raise MailError("SMTP 服务器未配置", "no SMTP server is configured")

    async def send(self, receivers: str, letter: Letter) -> None:
        """To one address, or several with ``;`` between them. Raises MailError."""
        options = self._options()
        self.check_configured()
        host = options.smtp_server.strip()
        server = MailServer(host, options.smtp_port, options.smtp_account.strip(), options.smtp_token)
        sender = Sender(options.system_name, options.smtp_from.strip() or options.smtp_account.strip())
        addresses = receivers_of(receivers)
        origin = sender_address(sender)
        work = partial(
            deliver,
            server,
            compose(letter, sender, addresses),
            # Many providers insist on their account here, whatever the From line says.
            sender=server.account if "@" in server.account else origin.addr_spec,
            receivers=addresses,
            own_name=ascii_domain(origin),
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                refused = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise MailError("邮件服务器没有及时响应", "the mail server did not answer in time") from None
        if refused:
            log.warning("mail: %d of %d receivers were refused", len(refused), len(addresses))

    def stop(self) -> None:
        """Letters under way are sent to their end, waiting ones are not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
