"""The port between the relay and a conversion: one stateful object per attempt, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from oneapi_app.convert.hub import Usage

Headers = Mapping[bytes, bytes]
"""Of an answer, by lower-case name; of repeated ones the first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, in the words of OpenAI's error objects. ``local``: our own words, not the vendor's."""

    status: int
    message: str
    type: str
    code: str | int | None
    param: str
    retry_after_s: float | None
    local: bool = False


class StreamEnd(Enum):
    """Why a stream is being closed."""

    COMPLETE = "complete"
    UPSTREAM_BROKE = "upstream_broke"
    IDLE_TIMEOUT = "idle_timeout"
    CLIENT_GONE = "client_gone"


ENDINGS = {
    StreamEnd.COMPLETE: "the provider closed the stream too early",
    StreamEnd.UPSTREAM_BROKE: "the provider closed the stream too early",
    StreamEnd.IDLE_TIMEOUT: "the provider stopped in the middle of its answer",
}
"""What a caller is told about an answer that stays incomplete."""


class Converter(Protocol):
    """Turns a provider's answer into the caller's dialect and learns what it cost on the way.

    ``usage`` None: the provider has not told. Until the end of a stream it may know the prompt only, with
    ``output_tokens`` 0. ``failure``: the provider reported an error instead of content. ``cut``: an answer that had
    begun will never be complete, though the connection may have ended well. ``finished``: a stream has said that it is
    complete, or why it never will be; nothing that follows matters. ``content_type`` None: the provider's own.
    """

    usage: Usage | None
    has_content: bool
    cut: bool
    failure: Failure | None
    content_type: bytes | None

    @property
    def finished(self) -> bool: ...

    def output_text(self) -> str:
        """What was delivered, for counting where usage is missing."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Frames for the caller out of any piece of the provider's stream. Never the end of the stream.

        Raises UpstreamProtocolError.
        """
        ...

    def close(self, end: StreamEnd) -> bytes:
        """The last frames: closes whatever is open, and says why it ended where that was no good end."""
        ...

    def convert(self, body: bytes) -> bytes:
        """A whole answer. Raises UpstreamProtocolError for bytes that are none."""
        ...
