"""The converter between two dialects: a reader of the provider's and a writer of the caller's, meeting in the hub."""

import contextlib
from typing import Protocol

from oneapi_app.convert import hub
from oneapi_app.convert.base import ENDINGS, Failure, StreamEnd
from oneapi_app.convert.fold import fold
from oneapi_app.errors import UpstreamProtocolError

BROKEN = 502


class AnswerReader(Protocol):
    """A provider's answer into events. One per attempt, no I/O.

    ``complete``: the stream has said itself that it is at its end, so that a cut one is not taken for a short one.
    """

    complete: bool

    def feed(self, data: bytes, events: list[hub.Event]) -> None:
        """Appends to ``events``, also what comes before the piece that raises UpstreamProtocolError."""
        ...

    def finish(self, events: list[hub.Event]) -> None:
        """What was still held back when the stream ended."""
        ...

    def read(self, body: bytes) -> list[hub.Event]:
        """A whole answer. Raises UpstreamProtocolError."""
        ...


class AnswerWriter(Protocol):
    """Events into the caller's dialect. One per attempt, no I/O."""

    content_type: bytes

    def write(self, event: hub.Event) -> bytes:
        """The frames of one event, often none."""
        ...

    def end(self, usage: hub.Usage | None) -> bytes:
        """The frames that end a good stream."""
        ...

    def fail(self, message: str, kind: str, code: str) -> bytes:
        """The frames that end a stream which has content but no good end."""
        ...

    def whole(self, answer: hub.Answer) -> bytes:
        """A unary answer."""
        ...


class Translation:
    """See ``convert.base.Converter``."""

    def __init__(self, reader: AnswerReader, writer: AnswerWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._texts: list[str] = []
        self._open: dict[int, None] = {}
        self._garbage: UpstreamProtocolError | None = None
        self._closed = False
        self.usage: hub.Usage | None = None
        self.has_content = False
        self.cut = False
        self.failure: Failure | None = None
        self.content_type: bytes | None = writer.content_type

    @property
    def finished(self) -> bool:
        return self._closed or self._garbage is not None or self._reader.complete

    def feed(self, data: bytes) -> bytes:
        if self._closed:
            return b""
        if self._garbage is not None:
            raise self._garbage
        events: list[hub.Event] = []
        try:
            self._reader.feed(data, events)
        except UpstreamProtocolError as error:
            if not events:
                raise
            # The same bytes must give the same frames in any chunking: deliver what came first, raise next time.
            self._garbage = error
        return self._write(events)

    def _write(self, events: list[hub.Event]) -> bytes:
        frames: list[bytes] = []
        for event in events:
            if self._closed:
                break
            if isinstance(event, hub.Failed):
                frames.append(self._fail(event))
            else:
                self._note(event)
                frame = self._writer.write(event)
                if frame:
                    frames.append(frame)
        return b"".join(frames) if len(frames) != 1 else frames[0]

    def _fail(self, event: hub.Failed) -> bytes:
        self._closed = True
        if not self.has_content:
            self.failure = _failure(event)
            return b""
        self.cut = True
        return self._close_parts() + self._writer.fail(event.message, event.type, event.type)

    def _note(self, event: hub.Event) -> None:
        match event:
            case hub.PartDelta(_, text):
                self._texts.append(text)
                self.has_content = True
            case hub.PartStart(part, kind, _, _, name):
                self._open[part] = None
                if kind is hub.PartKind.TOOL_CALL:
                    self._texts.append(name)
                    self.has_content = True
            case hub.PartEnd(part):
                self._open.pop(part, None)
            case hub.Counted(usage):
                self.usage = usage
            case _:
                pass

    def _close_parts(self) -> bytes:
        frames = b"".join(self._writer.write(hub.PartEnd(part)) for part in self._open)
        self._open.clear()
        return frames

    def close(self, end: StreamEnd) -> bytes:
        if self._closed or end is StreamEnd.CLIENT_GONE:
            return b""
        frames = b""
        if self._garbage is not None and end is StreamEnd.COMPLETE:
            end = StreamEnd.UPSTREAM_BROKE
        if end is StreamEnd.COMPLETE:
            frames = self._finish()
            if self._closed:
                return frames
        self._closed = True
        if end is StreamEnd.COMPLETE and self._reader.complete:
            return frames + self._close_parts() + self._writer.end(self.usage)
        if not self.has_content and end is StreamEnd.COMPLETE:
            self.failure = Failure(BROKEN, ENDINGS[end], "upstream_error", "empty_answer", "", None)
            return b""
        self.cut = True
        code = StreamEnd.UPSTREAM_BROKE if end is StreamEnd.COMPLETE else end
        return frames + self._close_parts() + self._writer.fail(ENDINGS[end], "upstream_error", code.value)

    def _finish(self) -> bytes:
        events: list[hub.Event] = []
        # Half an event at the end: the stream was cut, which its missing end says anyway.
        with contextlib.suppress(UpstreamProtocolError):
            self._reader.finish(events)
        return self._write(events)

    def convert(self, body: bytes) -> bytes:
        events = self._reader.read(body)
        for event in events:
            if isinstance(event, hub.Failed):
                self.failure = _failure(event)
                return b""
            self._note(event)
        return self._writer.whole(fold(events))

    def output_text(self) -> str:
        return "".join(self._texts)


def _failure(event: hub.Failed) -> Failure:
    return Failure(event.status, event.message, event.type, event.type or None, "", None)
