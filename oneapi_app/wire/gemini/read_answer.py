"""generateContent's answers and streams into the hub. https://ai.google.dev/api/generate-content#GenerateContentResponse"""

from typing import Any

import msgspec

from oneapi_app.convert import hub
from oneapi_app.errors import UpstreamProtocolError
from oneapi_app.kit.sse import EventSplitter, EventTooLarge

Json = dict[str, Any]
_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "ESCALATION",
        "MODEL_ARMOR",
    }
)
BLOCKED_STATUS = 400
EMPTY_STATUS = 500


class _Call(msgspec.Struct, gc=False):
    name: str = ""
    args: Json | None = None
    id: str | None = None


class _Blob(msgspec.Struct, rename="camel", gc=False):
    mime_type: str = ""
    data: str = ""


class _Part(msgspec.Struct, rename="camel", gc=False):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None
    inline_data: _Blob | None = None


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel", gc=False):
    content: _Content | None = None
    finish_reason: str | None = None
    index: int | None = None


class _Feedback(msgspec.Struct, rename="camel", gc=False):
    block_reason: str | None = None


class _Usage(msgspec.Struct, rename="camel", gc=False):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


class _Error(msgspec.Struct, gc=False):
    code: int | None = None
    message: str | None = None
    status: str | None = None


class _Response(msgspec.Struct, rename="camel", gc=False):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    response_id: str | None = None
    error: _Error | None = None


_responses = msgspec.json.Decoder(_Response)


class _Choice:
    """What is open in one candidate."""

    __slots__ = ("calls", "kind", "part", "stopped")

    def __init__(self) -> None:
        self.part = -1
        self.kind: hub.PartKind | None = None
        self.calls = 0
        self.stopped = False


class GeminiReader:
    """See ``convert.converter.AnswerReader``. ``call_ids`` begins the ids of calls that Gemini gives none."""

    def __init__(self, call_ids: str) -> None:
        self._splitter = EventSplitter()
        self._call_ids = call_ids
        self._choices: dict[int, _Choice] = {}
        self._parts = 0
        self._calls = 0
        self._started = False
        self.complete = False

    def feed(self, data: bytes, events: list[hub.Event]) -> None:
        try:
            frames = self._splitter.feed(data)
        except EventTooLarge:
            raise UpstreamProtocolError("an event of the provider's stream is too large") from None
        for frame in frames:
            self._read_response(_decode(frame.data), events)

    def finish(self, events: list[hub.Event]) -> None:
        for frame in self._splitter.finish():
            self._read_response(_decode(frame.data), events)

    def read(self, body: bytes) -> list[hub.Event]:
        events: list[hub.Event] = []
        response = _decode(body)
        self._read_response(response, events)
        if not response.candidates and not any(isinstance(event, hub.Failed) for event in events):
            events.append(hub.Failed("No candidates returned", "server_error", EMPTY_STATUS))
        return events

    def _read_response(self, response: _Response, events: list[hub.Event]) -> None:
        if response.error is not None:
            events.append(read_error(response.error))
            return
        if not self._started:
            self._started = True
            events.append(hub.Started(response.response_id or ""))
        if response.usage_metadata is not None:
            events.append(hub.Counted(_usage(response.usage_metadata)))
        for position, candidate in enumerate(response.candidates or ()):
            self._read_candidate(
                candidate.index if candidate.index is not None else position, candidate, events
            )
        blocked = response.prompt_feedback.block_reason if response.prompt_feedback else None
        if blocked and not response.candidates:
            message = f"the provider refused the prompt: {blocked}"
            events.append(hub.Failed(message, "content_filter", BLOCKED_STATUS))

    def _read_candidate(self, number: int, candidate: _Candidate, events: list[hub.Event]) -> None:
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice()
        for part in (candidate.content.parts if candidate.content else None) or ():
            self._read_part(number, choice, part, events)
        if candidate.finish_reason:
            self._end_part(choice, events)
            events.append(hub.Stopped(_stop_reason(candidate.finish_reason, choice.calls), number))
            choice.stopped = True
            self.complete = all(seen.stopped for seen in self._choices.values())

    def _read_part(self, number: int, choice: _Choice, part: _Part, events: list[hub.Event]) -> None:
        if part.function_call is not None:
            self._end_part(choice, events)
            self._read_call(number, choice, part.function_call, part.thought_signature or "", events)
            return
        text = part.text
        if part.inline_data is not None:
            # OpenAI's answers have no images; a data URL in Markdown is what chat clients show.
            text = f"![image](data:{part.inline_data.mime_type};base64,{part.inline_data.data})"
        if not text:
            return
        kind = hub.PartKind.REASONING if part.thought else hub.PartKind.TEXT
        if choice.kind is not kind:
            self._end_part(choice, events)
            choice.part, choice.kind = self._next_part(), kind
            events.append(hub.PartStart(choice.part, kind, number))
        events.append(hub.PartDelta(choice.part, text))

    def _read_call(
        self, number: int, choice: _Choice, call: _Call, signature: str, events: list[hub.Event]
    ) -> None:
        part = self._next_part()
        call_id = call.id or f"{self._call_ids}{self._calls}"
        self._calls += 1
        choice.calls += 1
        arguments = msgspec.json.encode(call.args or {}).decode()
        events.append(hub.PartStart(part, hub.PartKind.TOOL_CALL, number, call_id, call.name, signature))
        events.append(hub.PartDelta(part, arguments))
        events.append(hub.PartEnd(part, signature))

    def _next_part(self) -> int:
        self._parts += 1
        return self._parts - 1

    def _end_part(self, choice: _Choice, events: list[hub.Event]) -> None:
        if choice.kind is not None:
            events.append(hub.PartEnd(choice.part))
            choice.kind = None


def _decode(data: bytes) -> _Response:
    try:
        return _responses.decode(data)
    except msgspec.ValidationError:
        raise UpstreamProtocolError("the provider's answer is not of the expected form") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamProtocolError("the provider's answer is not valid JSON") from None


def read_error(error: _Error) -> hub.Failed:
    code = error.code or 0
    return hub.Failed(
        error.message or "the provider reported an error",
        error.status or "upstream_error",
        code if 400 <= code < 600 else 502,
    )


def _stop_reason(reason: str, calls: int) -> hub.StopReason:
    if reason in ("MAX_TOKENS", "CONTINUATION"):
        return hub.StopReason.LENGTH
    if reason in _FILTERED:
        return hub.StopReason.CONTENT_FILTER
    return hub.StopReason.TOOL_CALLS if calls else hub.StopReason.STOP


def _usage(counted: _Usage) -> hub.Usage:
    """Gemini counts cached tokens inside the prompt, thoughts beside the answer."""
    prompt = max((counted.prompt_token_count or 0) + (counted.tool_use_prompt_token_count or 0), 0)
    cached = min(max(counted.cached_content_token_count or 0, 0), prompt)
    thoughts = max(counted.thoughts_token_count or 0, 0)
    answer = max(counted.candidates_token_count or 0, 0)
    return hub.Usage(prompt - cached, cached, 0, answer + thoughts, thoughts)
