"""A real SMTP server on loopback that keeps what it gets."""

import asyncio
import contextlib
import email
import email.policy
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.support.certificates import Certificates
from tests.support.servers import free_port

WAIT_S = 15.0


@dataclass(frozen=True)
class Received:
    sender: str
    receivers: list[str]
    raw: bytes
    message: EmailMessage
    over_tls: bool
    signed_in: bool
    client_name: str

    @property
    def html(self) -> str:
        return self.message.get_content()


@dataclass
class Mailbox:
    """``refusing``: receivers it does not take."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    refusing: set[str] = field(default_factory=set)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> list[Received]:
        """The first ``count`` letters, as soon as they are there."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= count, WAIT_S), (
                f"{len(self.received)} letters came, not {count}"
            )
            return self.received[:count]

    async def arrived(self, count: int) -> list[Received]:
        """As ``wait_for``, for tests on whose event loop the letters are sent."""
        return await asyncio.to_thread(self.wait_for, count)

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refusing:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        over_tls = session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None
        received = Received(
            envelope.mail_from,
            list(envelope.rcpt_tos),
            envelope.content,
            message,
            over_tls,
            bool(session.authenticated),
            session.host_name,
        )
        with self._news:
            self.received.append(received)
            self._news.notify_all()
        return "250 kept"


@contextlib.contextmanager
def mail_server(
    certificates: Certificates | None = None,
    *,
    host: str = "127.0.0.1",
    tls_at_once: bool = False,
    account: str = "",
    password: str = "",
    auth_needs_tls: bool = True,
) -> Iterator[Mailbox]:
    """With certificates it offers STARTTLS, or speaks TLS from the first byte; with an account it wants signing in."""
    mailbox = Mailbox()
    options: dict[str, Any] = {}
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.cert, certificates.key)
        options["ssl_context" if tls_at_once else "tls_context"] = context
        options["require_starttls"] = not tls_at_once

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        good = isinstance(given, LoginPassword) and given == LoginPassword(
            account.encode(), password.encode()
        )
        return AuthResult(success=good, handled=False)

    if account:
        options.update(authenticator=check, auth_required=True)
        options["auth_require_tls"] = auth_needs_tls and not tls_at_once
    controller = Controller(mailbox, hostname=host, port=free_port(), **options)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()
