"""Splits a stream of server-sent events into frames: on bytes, whatever the chunking.

Only CR, LF and CRLF end a line here. Splitting decoded text would also break lines at U+2028, U+2029 and
U+0085, which are legal inside the JSON that travels in these events. This module knows nothing of that JSON.

https://html.spec.whatwg.org/multipage/server-sent-events.html, "Parsing an event stream"
"""

import re

import msgspec

MAX_EVENT_BYTES = 16 << 20
"""A longer frame is taken for an attack on our memory."""
_BOM = b"\xef\xbb\xbf"
# Atomic groups: a CRLF must never be read as two line ends.
_EMPTY_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LONGEST_PARTIAL = 3
"""Of an empty line's up to four bytes, so many may already be there without it being complete."""


class EventTooLarge(Exception):
    """A frame exceeds the limit of bytes. The stream cannot be read any further."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event that carries data; comments and events without data are never reported.

    ``name`` is empty where the stream names none, ``data`` the data lines joined by LF, ``raw`` the frame as it
    came, with the empty line that ends it (and comments before it), without a byte order mark.
    """

    name: bytes
    data: bytes
    raw: bytes


class EventSplitter:
    """Feed it bytes in any pieces, get events. The work is linear in the bytes, also for one huge event."""

    __slots__ = ("_fresh", "_max_bytes", "_saw_cr", "_tail")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_event_bytes
        self._tail = bytearray()
        self._fresh = True
        self._saw_cr = False

    def feed(self, data: bytes) -> list[Event]:
        """The events completed by this piece. Raises EventTooLarge.

        A CR at the very end may be half of a CRLF, so what it would complete waits for the next piece.
        """
        size = len(data)
        if (
            not self._tail
            and data.startswith(b"data: ")
            and data.find(b"\n") == size - 2
            and data.endswith(b"\n\n")
            and size <= self._max_bytes
            and b"\r" not in data
        ):
            self._fresh = False
            return [Event(b"", data[6:-2], data)]
        if (
            not self._tail
            and data.startswith(b"data: ")
            and data.endswith(b"\r\n\r\n")
            and data.find(b"\r") == size - 4
            and data.find(b"\n") == size - 3
            and size <= self._max_bytes
        ):
            self._fresh = False
            return [Event(b"", data[6:-4], data)]
        return self._feed_any(data)

    def finish(self) -> list[Event]:
        """The event no empty line had closed when the stream ended. The standard drops it, providers rely on it."""
        rest = bytes(self._tail)
        self._tail.clear()
        # A held CR: the frame before it is complete, and so is the stream.
        event = _read_event(rest.rstrip(b"\r\n"), rest, has_cr=self._saw_cr)
        return [] if event is None else [event]

    def _feed_any(self, data: bytes) -> list[Event]:
        tail = self._tail
        searched = len(tail)
        if not self._saw_cr and b"\r" in data:
            self._saw_cr = True
        if tail:
            tail += data
            if self._fresh:
                return self._begin()
            if self._next_end(tail, max(0, searched - _LONGEST_PARTIAL)) is None:
                self._check(len(tail))
                return []
            data = bytes(tail)
            tail.clear()
        elif self._fresh and data and data[:3] == _BOM[: len(data)]:
            tail += data
            return self._begin()
        elif data:
            self._fresh = False
        return self._split(data)

    def _begin(self) -> list[Event]:
        """The stream begins with something that may be, or may become, a byte order mark."""
        start = bytes(self._tail)
        if len(start) < 3 and _BOM.startswith(start):
            return []
        self._fresh = False
        self._tail.clear()
        return self._split(start.removeprefix(_BOM))

    def _split(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        start = 0
        while (found := self._next_end(data, start)) is not None:
            last, end = found
            self._check(end - start)
            event = _read_event(data[start:last], data[start:end], has_cr=self._saw_cr)
            if event is not None:
                events.append(event)
            start = end
        if start < len(data):
            self._check(len(data) - start)
            self._tail += memoryview(data)[start:]
        return events

    def _next_end(self, data: bytes | bytearray, search: int) -> tuple[int, int] | None:
        """Where the next frame's last line ends, and where the frame does; None while that is not known."""
        if not self._saw_cr:
            last = data.find(b"\n\n", search)
            return None if last < 0 else (last, last + 2)
        match = _EMPTY_LINE.search(data, search)
        if match is None or (match.end() == len(data) and data[-1] == 0x0D):
            return None
        return match.span()

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise EventTooLarge(f"an event of more than {self._max_bytes} bytes")


def _read_event(block: bytes, raw: bytes, *, has_cr: bool) -> Event | None:
    if has_cr:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if block.startswith(b"data: ") and b"\n" not in block:
        return Event(b"", block[6:], raw)
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(name, b"\n".join(data), raw) if data else None
