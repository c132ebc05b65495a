"""Whom we trust, and TLS sessions that are taken up again."""

import ssl
from typing import Any

from oneapi_app.kit.tls import trust_authorities

_MAX_SESSIONS = 1000


class ResumingContext(ssl.SSLContext):
    """A client's context that offers a host the session it had before, which saves it and us the key exchange.

    asyncio and uvloop have no parameter for that, but both make their TLS objects by ``wrap_bio``.
    """

    _sessions: dict[str, ssl.SSLSession]

    def __new__(cls, *args: Any, **kwargs: Any) -> "ResumingContext":
        self = super().__new__(cls, *args, **kwargs)
        self._sessions = {}
        return self

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        if session is None and isinstance(server_hostname, str):
            session = self._sessions.get(server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def remember(self, tls: ssl.SSLObject) -> None:
        """After an answer has come: TLS 1.3 sends its tickets behind the handshake."""
        host = tls.server_hostname
        session = tls.session
        if host and session and session.has_ticket:
            if len(self._sessions) >= _MAX_SESSIONS:
                self._sessions.clear()
            self._sessions[host] = session

    def forget(self, host: str) -> None:
        """After a handshake that failed."""
        self._sessions.pop(host, None)


def client_context() -> ResumingContext:
    """Verifies chain and name against the system's authorities, or certifi's where the system has none."""
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    trust_authorities(context)
    context.set_alpn_protocols(["http/1.1"])
    return context
