"""Messages and their streams into the hub. https://platform.claude.com/docs/en/build-with-claude/streaming"""

from typing import Any

import msgspec

from oneapi_app.convert import hub
from oneapi_app.errors import UpstreamProtocolError
from oneapi_app.kit.sse import EventSplitter, EventTooLarge

Json = dict[str, Any]
STOP_REASONS = {
    "end_turn": hub.StopReason.STOP,
    "stop_sequence": hub.StopReason.STOP,
    "pause_turn": hub.StopReason.STOP,
    "max_tokens": hub.StopReason.LENGTH,
    "model_context_window_exceeded": hub.StopReason.LENGTH,
    "tool_use": hub.StopReason.TOOL_CALLS,
    "refusal": hub.StopReason.CONTENT_FILTER,
}
ERROR_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
UNKNOWN_ERROR_STATUS = 502


class _OutputDetails(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None


class _Message(msgspec.Struct, gc=False):
    id: str = ""
    content: list[_Block] = []
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Delta(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Error(msgspec.Struct, gc=False):
    type: str = ""
    message: str = ""


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: _Error | None = None


class _Answer(_Message, gc=False):
    type: str = ""
    error: _Error | None = None


_events = msgspec.json.Decoder(_Event)
_answers = msgspec.json.Decoder(_Answer)
_KINDS = {
    "text": hub.PartKind.TEXT,
    "thinking": hub.PartKind.REASONING,
    "redacted_thinking": hub.PartKind.REASONING,
    "tool_use": hub.PartKind.TOOL_CALL,
}


class _OpenBlock:
    __slots__ = ("block", "has_text", "part", "signature")

    def __init__(self, part: int, block: _Block) -> None:
        self.part = part
        self.block = block
        self.has_text = False
        self.signature = block.signature or ""


class MessageReader:
    """See ``convert.converter.AnswerReader``."""

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self._open: dict[int, _OpenBlock] = {}
        self._parts = 0
        self._counts: dict[str, int] = {}
        self.complete = False

    def feed(self, data: bytes, events: list[hub.Event]) -> None:
        try:
            frames = self._splitter.feed(data)
        except EventTooLarge:
            raise UpstreamProtocolError("an event of the provider's stream is too large") from None
        for frame in frames:
            self._read_event(frame.data, events)

    def finish(self, events: list[hub.Event]) -> None:
        for frame in self._splitter.finish():
            self._read_event(frame.data, events)

    def _read_event(self, data: bytes, events: list[hub.Event]) -> None:
        try:
            event = _events.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamProtocolError("an event of the provider's stream is not valid JSON") from None
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._more(event.index, event.delta, events)
            case "content_block_start" if event.content_block is not None:
                self._start(event.index, event.content_block, events)
            case "content_block_stop":
                self._end(event.index, events)
            case "message_start" if event.message is not None:
                events.append(hub.Started(event.message.id))
                self._count(event.message.usage, events, first=True)
            case "message_delta":
                self._count(event.usage, events)
                if event.delta is not None and event.delta.stop_reason:
                    events.append(hub.Stopped(_stop_reason(event.delta.stop_reason)))
                    self.complete = True
            case "message_stop":
                self.complete = True
            case "error":
                events.append(read_error(event.error))
            case _:
                pass

    def _start(self, index: int, block: _Block, events: list[hub.Event]) -> None:
        kind = _KINDS.get(block.type)
        if kind is None:
            return
        opened = self._open[index] = _OpenBlock(self._parts, block)
        self._parts += 1
        events.append(hub.PartStart(opened.part, kind, id=block.id or "", name=block.name or ""))
        self._text(opened, block.text or block.thinking, events)

    def _more(self, index: int, delta: _Delta, events: list[hub.Event]) -> None:
        opened = self._open.get(index)
        if opened is None:
            return
        if delta.signature:
            opened.signature += delta.signature
        self._text(opened, delta.text or delta.partial_json or delta.thinking, events)

    def _text(self, opened: _OpenBlock, text: str | None, events: list[hub.Event]) -> None:
        if text:
            opened.has_text = True
            events.append(hub.PartDelta(opened.part, text))

    def _end(self, index: int, events: list[hub.Event]) -> None:
        opened = self._open.pop(index, None)
        if opened is None:
            return
        block = opened.block
        if block.type == "tool_use" and not opened.has_text:
            arguments = msgspec.json.encode(block.input).decode() if block.input else "{}"
            events.append(hub.PartDelta(opened.part, arguments))
        events.append(hub.PartEnd(opened.part, opened.signature, block.data or ""))

    def _count(self, usage: _Usage | None, events: list[hub.Event], *, first: bool = False) -> None:
        """Counts are cumulative. The one of output at the start is a placeholder, not a count."""
        if usage is None:
            return
        counts = self._counts
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
            value = getattr(usage, name)
            if value is not None:
                counts[name] = value
        if usage.output_tokens is not None and not first:
            counts["output_tokens"] = usage.output_tokens
            details = usage.output_tokens_details
            counts["thinking_tokens"] = (details.thinking_tokens if details else None) or 0
        events.append(hub.Counted(_usage(counts)))

    def read(self, body: bytes) -> list[hub.Event]:
        try:
            answer = _answers.decode(body)
        except msgspec.ValidationError:
            raise UpstreamProtocolError("the provider's answer is not of the expected form") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamProtocolError("the provider's answer is not valid JSON") from None
        if answer.type == "error" or answer.error is not None:
            return [read_error(answer.error)]
        if answer.type != "message":
            raise UpstreamProtocolError("the provider's answer is not a message")
        events: list[hub.Event] = [hub.Started(answer.id)]
        for index, block in enumerate(answer.content):
            self._start(index, block, events)
            self._end(index, events)
        self._count(answer.usage, events)
        if answer.stop_reason:
            events.append(hub.Stopped(_stop_reason(answer.stop_reason)))
        return events


def read_error(error: _Error | None) -> hub.Failed:
    kind = (error.type if error else "") or "api_error"
    message = (error.message if error else "") or "the provider reported an error"
    return hub.Failed(message, kind, ERROR_STATUSES.get(kind, UNKNOWN_ERROR_STATUS))


def _stop_reason(reason: str) -> hub.StopReason:
    return STOP_REASONS.get(reason, hub.StopReason.STOP)


def _usage(counts: dict[str, int]) -> hub.Usage:
    return hub.Usage(
        max(counts.get("input_tokens", 0), 0),
        max(counts.get("cache_read_input_tokens", 0), 0),
        max(counts.get("cache_creation_input_tokens", 0), 0),
        max(counts.get("output_tokens", 0), 0),
        max(min(counts.get("thinking_tokens", 0), counts.get("output_tokens", 0)), 0),
    )
