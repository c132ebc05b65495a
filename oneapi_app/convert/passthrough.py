"""OpenAI to OpenAI: the provider's bytes go through as they are, read only where the bill needs it."""

from typing import Annotated, Any

import msgspec

from oneapi_app.convert.base import ENDINGS, Failure, StreamEnd
from oneapi_app.convert.failures import BROKEN, failure_in_stream
from oneapi_app.convert.hub import Usage
from oneapi_app.errors import UpstreamProtocolError
from oneapi_app.kit.sse import Event, EventSplitter, EventTooLarge

DONE = b"data: [DONE]\n\n"
_FRAMES_KEPT = 256
"""Delivered frames are kept for counting, should usage be missing; beyond so many only their text is."""


class _PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _WireUsage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, gc=False):
    function: _Function | None = None


class _Said(msgspec.Struct, gc=False):
    content: Any = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Said | None = None
    message: _Said | None = None
    text: str | None = None


class _Answer(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None


class _Counted(msgspec.Struct, gc=False):
    usage: _WireUsage | None = None


_Some = Annotated[int, msgspec.Meta(gt=0)]


class _BothCounted(msgspec.Struct, gc=False):
    """A ``_WireUsage`` with something on both sides."""

    prompt_tokens: _Some
    completion_tokens: _Some
    total_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class _PlainAnswer(msgspec.Struct, gc=False):
    usage: _BothCounted
    error: None = None


_answers = msgspec.json.Decoder(_Answer)
_counted = msgspec.json.Decoder(_Counted)
_plain = msgspec.json.Decoder(_PlainAnswer)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_usage(wire: _WireUsage | None) -> Usage | None:
    """None where nothing was counted, also where the provider sends zeros."""
    if wire is None:
        return None
    prompt, completion = wire.prompt_tokens or 0, wire.completion_tokens or 0
    if prompt <= 0 or completion <= 0:
        prompt, completion = max(prompt, 0), max(completion, 0)
        if not prompt and not completion:
            return None
    details, thought = wire.prompt_tokens_details, wire.completion_tokens_details
    cached = (details.cached_tokens if details else None) or wire.prompt_cache_hit_tokens
    reasoning = thought.reasoning_tokens if thought else None
    if not cached and not reasoning:
        return Usage(prompt, 0, 0, completion)
    cached = min(max(cached or 0, 0), prompt)
    return Usage(prompt - cached, cached, 0, completion, min(max(reasoning or 0, 0), completion))


def plain_usage(answer: bytes) -> tuple[int, int, int] | None:
    """Tokens of prompt and answer, and those of the prompt that came from the provider's cache, as ``read_usage`` has it.

    None where the answer may be an error, cannot be read, or is not counted on both sides.
    """
    try:
        usage = _plain.decode(answer).usage
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    prompt, details = usage.prompt_tokens, usage.prompt_tokens_details
    cached = (details and details.cached_tokens) or usage.prompt_cache_hit_tokens
    return prompt, usage.completion_tokens, min(max(cached, 0), prompt) if cached else 0


class Passthrough(msgspec.Struct):
    """See ``convert.base.Converter``. ``chat``: chunks without choices and usage are dropped, as Azure sends them."""

    chat: bool
    usage: Usage | None = None
    has_content: bool = False
    cut: bool = False
    finished: bool = False
    failure: Failure | None = None
    content_type: bytes | None = None
    _delivered: bool = False
    _splitter: EventSplitter | None = None
    _frames: list[bytes] = []
    _texts: list[str] = []

    def feed(self, data: bytes) -> bytes:
        if self._splitter is None:
            self._splitter = EventSplitter()
        try:
            events = self._splitter.feed(data)
        except EventTooLarge:
            raise UpstreamProtocolError("an event of the provider's stream is too large") from None
        if len(events) == 1:
            return self._frame(events[0])
        return b"".join([self._frame(event) for event in events])

    def _frame(self, event: Event) -> bytes:
        data = event.data
        if data.startswith(b"[DONE]"):
            self.finished = True
            return b""
        if not data or self.failure is not None:
            return b""
        if b'"usage"' in data and b'"usage":null' not in data:
            self._note_usage(data)
        if self.finished:
            return b""
        if not self.has_content:
            if self._is_error(data):
                return b""
        elif data.startswith(b'{"error"'):
            self.cut = self.finished = True
        if self.chat and b"[]" in data and self._is_empty(data):
            return b""
        self._delivered = True
        frames = self._frames
        frames.append(data)
        if len(frames) >= _FRAMES_KEPT:
            self._keep_texts()
        raw = event.raw
        # Byte for byte where the provider writes a frame as everybody does.
        if len(raw) == len(data) + 8 and raw.startswith(b"data: "):
            return raw
        return b"data: " + data + b"\n\n"

    def _is_empty(self, data: bytes) -> bool:
        """No choices, and no usage either."""
        if b'"choices":[]' not in data and b'"choices": []' not in data:
            return False
        answer = _read(data)
        return answer is not None and not answer.choices and answer.usage is None and not answer.error

    def _note_usage(self, data: bytes) -> None:
        try:
            self.usage = read_usage(_counted.decode(data).usage) or self.usage
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return  # a frame that cannot be read is passed on as it is

    def _is_error(self, data: bytes) -> bool:
        """Looks at frames until the first content; an error before anything was delivered fails the attempt."""
        answer = _read(data)
        if answer is None:
            if not self._delivered and not _is_object(data):
                raise UpstreamProtocolError("the provider's stream does not begin with JSON")
            self.has_content = True
            return False
        if answer.error and not answer.choices:
            if self._delivered:
                self.cut = self.finished = True
                return False
            self.failure = failure_in_stream(answer.error)
            return True
        self.has_content = any(_texts(answer))
        return False

    def close(self, end: StreamEnd) -> bytes:
        if end is StreamEnd.CLIENT_GONE:
            return b""
        last = b""
        if end is StreamEnd.COMPLETE:
            for event in () if self.finished or self._splitter is None else self._splitter.finish():
                if event.data.startswith(b"[DONE]") or _is_object(event.data):
                    last += self._frame(event)
                else:
                    end = StreamEnd.UPSTREAM_BROKE  # half a frame
            if self.failure is None and not self._delivered:
                self.failure = Failure(BROKEN, ENDINGS[end], "upstream_error", "empty_answer", "", None)
        if self.failure is not None:
            return b""
        if end is StreamEnd.COMPLETE:
            return last + DONE
        self.cut = True
        error = {"message": ENDINGS[end], "type": "upstream_error", "param": "", "code": end.value}
        return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n" + DONE

    def convert(self, body: bytes) -> bytes:
        try:
            self.usage = read_usage(_counted.decode(body).usage)
        except msgspec.ValidationError:
            if not _is_object(body):
                raise UpstreamProtocolError("the provider's answer is not a JSON object") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamProtocolError("the provider's answer is not valid JSON") from None
        # Only what might have to be counted here is kept.
        if self.usage is None or (b'"choices"' in body and not self.usage.output_tokens):
            self._frames.append(body)
        return body

    def output_text(self) -> str:
        self._keep_texts()
        return "".join(self._texts)

    def _keep_texts(self) -> None:
        if self.usage is None or not self.usage.output_tokens:
            for frame in self._frames:
                answer = _read(frame)
                if answer is not None:
                    self._texts += _texts(answer)
        self._frames.clear()


class Verbatim(msgspec.Struct):
    """Answers that are no JSON of ours to read: speech, transcriptions, images. ``spoken``: their text is billed."""

    spoken: bool = False
    usage: Usage | None = None
    has_content: bool = False
    cut: bool = False
    finished: bool = False
    failure: Failure | None = None
    content_type: bytes | None = None
    _body: bytes = b""

    def feed(self, data: bytes) -> bytes:
        self.has_content = True
        return data

    def close(self, end: StreamEnd) -> bytes:
        return b""

    def convert(self, body: bytes) -> bytes:
        self._body = body
        return body

    def output_text(self) -> str:
        if not self.spoken:
            return ""
        try:
            text = _objects.decode(self._body).get("text")
            return msgspec.json.decode(text, type=str) if text is not None else ""
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._body.decode("utf-8", "replace")


def _is_object(body: bytes) -> bool:
    try:
        _objects.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _read(data: bytes) -> _Answer | None:
    try:
        return _answers.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _texts(answer: _Answer) -> list[str]:
    """What a model has written in an answer or a chunk of one: content, reasoning, names and arguments of calls."""
    found: list[str] = []
    for choice in answer.choices or ():
        if choice.text:
            found.append(choice.text)
        said = choice.delta or choice.message
        if said is None:
            continue
        if isinstance(said.content, str):
            found.append(said.content)
        found += [text for text in (said.reasoning_content or said.reasoning, said.refusal) if text]
        if said.tool_calls or said.function_call:
            called = [call.function for call in said.tool_calls or ()] + [said.function_call]
            found += [text for f in called if f is not None for text in (f.name, f.arguments) if text]
    return found
