"""What can go wrong between us and a provider. Texts name the host and the phase, never keys, heads or bodies.

TransportError
  UnsendableRequest     the URL or a header cannot be written as HTTP; nothing was sent
  ConnectFailed         name not found, refused, unreachable, TLS not trusted
  ConnectTimeout        no connection in time, or none free
  FirstByteTimeout      no complete head of an answer in time
  IdleTimeout           the answer stalled
  TotalTimeout          the answer took too long in all
  ConnectionLost        the connection ended before the answer did
  BadUpstreamBytes      not HTTP/1.1, not what its encoding promises, or beyond our limits
  BodyTooLarge          more than the caller of ``read`` allows
"""


class TransportError(Exception):
    """``phase`` is one of connect, send, head, body."""

    def __init__(self, message: str, phase: str) -> None:
        super().__init__(message)
        self.phase = phase


class UnsendableRequest(TransportError):
    """The URL or a header cannot be written as HTTP."""


class ConnectFailed(TransportError):
    """No connection could be made."""


class ConnectTimeout(TransportError):
    """No connection in time."""


class FirstByteTimeout(TransportError):
    """The answer did not begin in time."""


class IdleTimeout(TransportError):
    """The answer stalled."""


class TotalTimeout(TransportError):
    """The answer took too long in all."""


class ConnectionLost(TransportError):
    """The connection ended before the answer did."""


class BadUpstreamBytes(TransportError):
    """What came is not a usable HTTP/1.1 answer."""


class BodyTooLarge(TransportError):
    """More than the reader allows."""
