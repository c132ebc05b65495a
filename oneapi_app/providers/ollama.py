"""Ollama: its own dialect, spoken by nobody else. https://github.com/ollama/ollama/blob/main/docs/api.md"""

from typing import Any

import msgspec

from oneapi_app.convert import hub
from oneapi_app.convert.base import Converter
from oneapi_app.convert.failures import classify_openai
from oneapi_app.errors import ConversionError, UpstreamProtocolError
from oneapi_app.providers.base import ClientRequest, Dialect, Operation, Provider, Route, UpstreamRequest
from oneapi_app.providers.embeddings import EmbeddingConverter, embedding_request
from oneapi_app.providers.translation import chat_links, neutral_request, new_call_ids, translation
from oneapi_app.wire.lines import LineSplitter
from oneapi_app.wire.openai_embeddings import Embedded

Json = dict[str, Any]
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_KNOWS_LEVELS = "gpt-oss"
ERROR_STATUS = 502


def _build(provider: Provider, request: ClientRequest, route: Route) -> UpstreamRequest:
    if request.operation is Operation.EMBEDDINGS:
        asked = embedding_request(request)
        body: Json = {"model": route.model, "input": asked.texts}
        if asked.dimensions is not None:
            body["dimensions"] = asked.dimensions
    else:
        body = write_request(neutral_request(request, route))
    headers = (
        (b"content-type", b"application/json"),
        (b"accept", b"application/x-ndjson" if request.stream else b"application/json"),
        (b"authorization", b"Bearer " + route.key.encode()),
    )
    url = route.base_url.rstrip("/") + provider.endpoints[request.operation]
    return UpstreamRequest("POST", url, headers, msgspec.json.encode(body))


def write_request(request: hub.Request) -> Json:
    """The body of a chat. Raises ConversionError."""
    if (request.settings.n or 1) > 1:
        raise ConversionError("n: this provider gives one answer per request")
    body: Json = {"model": request.model, "messages": _write_messages(request), "stream": request.stream}
    if request.tools and not (request.tool_choice and request.tool_choice.mode == "none"):
        body["tools"] = [_write_tool(tool) for tool in request.tools]
    output = request.settings.output
    if output is not None:
        body["format"] = output.schema or "json"
    think = _think(request)
    if think is not None:
        body["think"] = think
    options = _write_options(request.settings)
    if options:
        body["options"] = options
    return body


def _write_messages(request: hub.Request) -> list[Json]:
    messages: list[Json] = []
    for turn in request.turns:
        results = [part for part in turn.parts if isinstance(part, hub.ToolResult)]
        messages += [_write_result(result) for result in results]
        if len(results) < len(turn.parts) or not turn.parts:
            messages.append(_write_message(turn.role.value, turn.parts))
    return messages


def _write_result(result: hub.ToolResult) -> Json:
    message = _write_message("tool", result.parts)
    return {**message, "tool_name": result.name} if result.name else message


def _write_message(role: str, parts: tuple[hub.Part, ...]) -> Json:
    texts: list[str] = []
    thoughts: list[str] = []
    images: list[str] = []
    calls: list[Json] = []
    for part in parts:
        match part:
            case hub.Text(text) | hub.Refusal(text):
                texts.append(text)
            case hub.Reasoning(text):
                thoughts.append(text)
            case hub.Image(url, _, data):
                if url:
                    raise ConversionError("image_url: this image could not be fetched for the provider")
                images.append(data)
            case hub.ToolCall(_, name, arguments):
                calls.append({"function": {"name": name, "arguments": _arguments(arguments)}})
            case hub.ToolResult():
                pass
            case hub.Audio() | hub.File():
                raise ConversionError("messages: this provider takes text and images only")
    message: Json = {"role": role, "content": "\n".join(texts)}
    if any(thoughts):
        message["thinking"] = "".join(thoughts)
    if images:
        message["images"] = images
    if calls:
        message["tool_calls"] = calls
    return message


def _arguments(text: str) -> Json:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return {"arguments": text} if text else {}


def _write_tool(tool: hub.Tool) -> Json:
    schema = tool.schema or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": schema}
    return {"type": "function", "function": function}


def _think(request: hub.Request) -> bool | str | None:
    """Only where asked for: models that cannot think refuse to be asked to."""
    effort, tokens = request.settings.effort, request.settings.thinking_tokens
    if effort is None and tokens is None:
        return None
    if effort == "none" or tokens == 0:
        return False
    return _LEVELS.get(effort or "", "medium") if _KNOWS_LEVELS in request.model else True


def _write_options(settings: hub.Settings) -> Json:
    given: Json = {
        "seed": settings.seed,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "frequency_penalty": settings.frequency_penalty,
        "presence_penalty": settings.presence_penalty,
        "num_predict": settings.max_tokens,
        "num_ctx": settings.context_tokens,
        "stop": list(settings.stop) or None,
    }
    return {name: value for name, value in given.items() if value is not None}


class _Called(msgspec.Struct, gc=False):
    name: str = ""
    arguments: Any = None


class _Call(msgspec.Struct, gc=False):
    function: _Called
    id: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Line(msgspec.Struct, gc=False):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: str | None = None


_lines = msgspec.json.Decoder(_Line)


class OllamaReader:
    """See ``convert.converter.AnswerReader``."""

    def __init__(self, call_ids: str) -> None:
        self._splitter = LineSplitter()
        self._call_ids = call_ids
        self._parts = 0
        self._calls = 0
        self._kind: hub.PartKind | None = None
        self.complete = False

    def feed(self, data: bytes, events: list[hub.Event]) -> None:
        for line in self._splitter.feed(data):
            self._read_line(_decode(line), events)

    def finish(self, events: list[hub.Event]) -> None:
        for line in self._splitter.finish():
            self._read_line(_decode(line), events)

    def read(self, body: bytes) -> list[hub.Event]:
        events: list[hub.Event] = []
        line = _decode(body)
        if line.message is None and line.error is None:
            raise UpstreamProtocolError("the provider's answer holds no message")
        self._read_line(line, events)
        return events

    def _read_line(self, line: _Line, events: list[hub.Event]) -> None:
        if line.error is not None:
            events.append(hub.Failed(line.error, "ollama_error", ERROR_STATUS))
            return
        message = line.message
        if message is not None:
            self._text(hub.PartKind.REASONING, message.thinking, events)
            self._text(hub.PartKind.TEXT, message.content, events)
            for call in message.tool_calls or ():
                self._call(call, events)
        if line.done:
            self._end_part(events)
            if line.prompt_eval_count is not None or line.eval_count is not None:
                usage = hub.Usage(max(line.prompt_eval_count or 0, 0), 0, 0, max(line.eval_count or 0, 0))
                events.append(hub.Counted(usage))
            events.append(hub.Stopped(self._reason(line.done_reason)))
            self.complete = True

    def _reason(self, reason: str | None) -> hub.StopReason:
        if reason == "length":
            return hub.StopReason.LENGTH
        return hub.StopReason.TOOL_CALLS if self._calls else hub.StopReason.STOP

    def _text(self, kind: hub.PartKind, text: str | None, events: list[hub.Event]) -> None:
        if not text:
            return
        if self._kind is not kind:
            self._end_part(events)
            self._kind = kind
            events.append(hub.PartStart(self._parts, kind))
        events.append(hub.PartDelta(self._parts, text))

    def _call(self, call: _Call, events: list[hub.Event]) -> None:
        self._end_part(events)
        given = call.function.arguments
        arguments = given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
        call_id = call.id or f"{self._call_ids}{self._calls}"
        events.append(hub.PartStart(self._parts, hub.PartKind.TOOL_CALL, id=call_id, name=call.function.name))
        events.append(hub.PartDelta(self._parts, arguments or "{}"))
        events.append(hub.PartEnd(self._parts))
        self._parts += 1
        self._calls += 1

    def _end_part(self, events: list[hub.Event]) -> None:
        if self._kind is not None:
            events.append(hub.PartEnd(self._parts))
            self._parts += 1
            self._kind = None


def _decode(line: bytes) -> _Line:
    try:
        return _lines.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UpstreamProtocolError("the provider's answer is not what its protocol says") from None


class _Embeddings(msgspec.Struct):
    embeddings: list[list[float]]
    prompt_eval_count: int | None = None


def read_embeddings(body: bytes) -> Embedded:
    """Raises UpstreamProtocolError."""
    try:
        answer = msgspec.json.decode(body, type=_Embeddings)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UpstreamProtocolError("the provider's answer holds no embeddings") from None
    return Embedded(answer.embeddings, answer.prompt_eval_count or None)


def _converter(_provider: Provider, request: ClientRequest, _route: Route) -> Converter:
    if request.operation is Operation.EMBEDDINGS:
        return EmbeddingConverter(request, read_embeddings)
    return translation(request, OllamaReader(new_call_ids()))


PROVIDER = Provider(
    id=30,
    slug="ollama",
    title="Ollama",
    base_url="http://localhost:11434",
    dialect=Dialect.OLLAMA,
    endpoints={Operation.CHAT: "/api/chat", Operation.EMBEDDINGS: "/api/embed"},
    builder=_build,
    make_converter=_converter,
    classifier=classify_openai,
    media_links=chat_links,
    docs_url="https://github.com/ollama/ollama/blob/main/docs/api.md",
    owned_by="ollama",
    key_format="any non-empty text",
)
