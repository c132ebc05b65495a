"""What can go wrong between us and a provider. Texts name the host and the phase, never keys, heads or bodies.

TransportError
  ConnectFailed         name not found, refused, unreachable, TLS not trusted
  ConnectTimeout        no connection in time
  FirstByteTimeout      the answer did not begin in time
  IdleTimeout           the answer stalled
  TotalTimeout          the answer took too long in all
  ConnectionLost        the connection ended in the middle
  BadUpstreamBytes      not HTTP/1.1, or beyond our limits for a head
  BodyTooLarge          more than the caller of ``read`` allows
"""


class TransportError(Exception):
    """``phase`` is one of connect, send, head, body."""

    def __init__(self, message: str, phase: str) -> None:
        super().__init__(message)
        self.phase = phase


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
    """The connection ended in the middle of an answer."""


class BadUpstreamBytes(TransportError):
    """What came is not a usable HTTP/1.1 answer."""


class BodyTooLarge(TransportError):
    """More than the reader allows."""
