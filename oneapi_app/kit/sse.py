"""Splits a stream of server-sent events into frames: on bytes, whatever the chunking.

Only CR, LF and CRLF end a line here. Splitting decoded text would also break lines at U+2028, U+2029 and
U+0085, which are legal inside the JSON that travels in these events.
"""

from dataclasses import dataclass

MAX_EVENT_BYTES = 16 << 20
"""A longer event is taken for an attack on our memory."""
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """An event exceeds MAX_EVENT_BYTES."""


@dataclass(frozen=True, slots=True)
class Event:
    """``data`` is the joined data lines. Comments and empty events are never reported."""

    name: bytes
    data: bytes


class EventSplitter:
    """Feed it bytes, get events."""

    __slots__ = ("_buffer", "_fresh", "_scanned")

    def __init__(self) -> None:
        self._buffer = b""
        self._scanned = 0
        self._fresh = True

    def feed(self, data: bytes) -> list[Event]:
        """The events completed by this piece. Raises EventTooLarge."""
        buffer = self._buffer + data if self._buffer else data
        if self._fresh:
            if len(buffer) < 3 and _BOM.startswith(buffer):
                self._buffer = buffer
                return []
            buffer = buffer.removeprefix(_BOM)
            self._fresh = False
        if b"\r" in buffer:
            # A CR at the very end may be half of a CRLF: it waits for what follows.
            held = buffer.endswith(b"\r")
            buffer = (buffer[:-1] if held else buffer).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            tail = b"\r" if held else b""
        else:
            tail = b""
        events: list[Event] = []
        start = 0
        search = max(0, self._scanned - 1)
        while (end := buffer.find(b"\n\n", search)) >= 0:
            event = _read_event(buffer[start:end])
            if event is not None:
                events.append(event)
            start = search = end + 2
        rest = buffer[start:]
        self._scanned = len(rest)
        self._buffer = rest + tail
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise EventTooLarge
        return events

    def finish(self) -> list[Event]:
        """The event that was not closed by an empty line when the stream ended; providers do that."""
        rest, self._buffer = self._buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), b""
        event = _read_event(rest.strip(b"\n"))
        return [] if event is None else [event]


def _read_event(block: bytes) -> Event | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return Event(b"", block[6:])
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(name, b"\n".join(data)) if data else None
