"""OpenAI to OpenAI: the provider's bytes go through as they are, read only where the bill needs it."""

import contextlib
from typing import Any, cast

import msgspec

from oneapi_app.convert.base import StreamEnd
from oneapi_app.convert.failures import BROKEN, failure_from_error
from oneapi_app.convert.hub import Usage
from oneapi_app.errors import UpstreamProtocolError
from oneapi_app.kit.sse import EventSplitter, EventTooLarge
from oneapi_app.providers.base import Failure

DONE = b"data: [DONE]\n\n"
_ENDINGS = {
    StreamEnd.UPSTREAM_BROKE: "the provider closed the stream too early",
    StreamEnd.IDLE_TIMEOUT: "the provider stopped in the middle of its answer",
}


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _WireUsage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class _Answer(msgspec.Struct):
    usage: _WireUsage | None = None


_answers = msgspec.json.Decoder(_Answer)


def read_usage(wire: _WireUsage | None) -> Usage | None:
    """None where nothing was counted, also where the provider sends zeros."""
    if wire is None:
        return None
    prompt = max(wire.prompt_tokens or 0, 0)
    completion = max(wire.completion_tokens or 0, 0)
    if prompt == 0 and completion == 0:
        return None
    details = wire.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or wire.prompt_cache_hit_tokens or 0
    cached = min(max(cached, 0), prompt)
    reasoning = wire.completion_tokens_details.reasoning_tokens if wire.completion_tokens_details else None
    return Usage(prompt - cached, cached, 0, completion, min(max(reasoning or 0, 0), completion))


class Passthrough:
    """See ``convert.base.Converter``. ``chat``: chunks without choices and usage are dropped, as Azure sends them."""

    __slots__ = ("_body", "_chat", "_frames", "_splitter", "content_type", "failure", "has_content", "usage")

    def __init__(self, *, chat: bool) -> None:
        self._chat = chat
        self._splitter = EventSplitter()
        self._frames: list[bytes] = []
        self._body = b""
        self.usage: Usage | None = None
        self.has_content = False
        self.failure: Failure | None = None
        self.content_type: bytes | None = None

    def feed(self, data: bytes) -> bytes:
        try:
            events = self._splitter.feed(data)
        except EventTooLarge:
            raise UpstreamProtocolError("an event of the provider's stream is too large") from None
        if len(events) == 1:
            return self._frame(events[0].data)
        return b"".join(self._frame(event.data) for event in events)

    def _frame(self, data: bytes) -> bytes:
        if data == b"[DONE]" or not data:
            return b""
        if b'"usage"' in data:
            self._note_usage(data)
        elif self._chat and (b'"choices":[]' in data or b'"choices": []' in data):
            return b""
        if not self.has_content:
            self._look_for_content(data)
            if self.failure is not None:
                return b""
        self._frames.append(data)
        return b"data: " + data + b"\n\n"

    def _note_usage(self, data: bytes) -> None:
        with contextlib.suppress(msgspec.MsgspecError):  # a frame that cannot be read is passed on as it is
            self.usage = read_usage(_answers.decode(data).usage) or self.usage

    def _look_for_content(self, data: bytes) -> None:
        chunk = _object(data)
        if chunk is None:
            self.has_content = True
            return
        error = chunk.get("error")
        if error and not chunk.get("choices"):
            self.failure = failure_from_error(
                BROKEN, cast("dict[str, Any]", error) if isinstance(error, dict) else {}
            )
            return
        self.has_content = any(True for _ in _texts(chunk))

    def close(self, end: StreamEnd) -> bytes:
        if end is StreamEnd.COMPLETE:
            last = b"".join(self._frame(event.data) for event in self._splitter.finish())
            return last + DONE
        if end is StreamEnd.CLIENT_GONE:
            return b""
        error = {
            "error": {"message": _ENDINGS[end], "type": "upstream_error", "param": "", "code": end.value}
        }
        return b"data: " + msgspec.json.encode(error) + b"\n\n" + DONE

    def convert(self, body: bytes) -> bytes:
        try:
            self.usage = read_usage(_answers.decode(body).usage)
        except msgspec.ValidationError:
            if _object(body) is None:
                raise UpstreamProtocolError("the provider's answer is not a JSON object") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamProtocolError("the provider's answer is not valid JSON") from None
        if self.usage is None:
            self._body = body
        return body

    def output_text(self) -> str:
        chunks = [self._body] if self._body else self._frames
        return "".join(text for chunk in chunks for text in _texts(_object(chunk) or {}))


class Verbatim:
    """Answers that are no JSON of ours to read: speech, transcriptions, images."""

    __slots__ = ("_body", "content_type", "failure", "has_content", "usage")

    def __init__(self) -> None:
        self._body = b""
        self.usage: Usage | None = None
        self.has_content = False
        self.failure: Failure | None = None
        self.content_type: bytes | None = None

    def feed(self, data: bytes) -> bytes:
        self.has_content = True
        return data

    def close(self, end: StreamEnd) -> bytes:
        return b""

    def convert(self, body: bytes) -> bytes:
        self._body = body
        return body

    def output_text(self) -> str:
        answer = _object(self._body)
        if answer is not None:
            return str(answer.get("text") or "")
        return self._body.decode("utf-8", "replace")


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return cast("dict[str, Any]", decoded) if isinstance(decoded, dict) else None


def _texts(chunk: dict[str, Any]) -> list[str]:
    """What a model has written in an answer or a chunk of one: content, reasoning, arguments of tool calls."""
    found: list[str] = []
    choices = chunk.get("choices")
    for choice in cast("list[Any]", choices) if isinstance(choices, list) else []:
        if not isinstance(choice, dict):
            continue
        fields = cast("dict[str, Any]", choice)
        said: Any = fields.get("delta") or fields.get("message") or {}
        parts = [fields.get("text")]
        if isinstance(said, dict):
            message = cast("dict[str, Any]", said)
            parts += [message.get("content"), message.get("reasoning_content"), message.get("refusal")]
            calls = message.get("tool_calls")
            for call in cast("list[Any]", calls) if isinstance(calls, list) else []:
                function = cast("dict[str, Any]", call).get("function") if isinstance(call, dict) else None
                if isinstance(function, dict):
                    called = cast("dict[str, Any]", function)
                    parts += [called.get("name"), called.get("arguments")]
        found += [part for part in parts if isinstance(part, str) and part]
    return found
