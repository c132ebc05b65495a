"""Newline-delimited JSON: splits bytes into lines, whatever the chunking."""

from oneapi_app.errors import UpstreamProtocolError

MAX_LINE_BYTES = 16 << 20


class LineSplitter:
    """Lines without their end, empty ones left out. The work is linear in the bytes."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Raises UpstreamProtocolError for a line without end."""
        end = data.rfind(b"\n")
        if end < 0:
            self._tail += data
            if len(self._tail) > MAX_LINE_BYTES:
                raise UpstreamProtocolError("a line of the provider's stream is too large")
            return []
        whole = bytes(self._tail) + data[:end]
        self._tail = bytearray(data[end + 1 :])
        return [line for line in (line.strip() for line in whole.split(b"\n")) if line]

    def finish(self) -> list[bytes]:
        """The line nothing had ended when the stream did."""
        rest = bytes(self._tail).strip()
        self._tail.clear()
        return [rest] if rest else []
