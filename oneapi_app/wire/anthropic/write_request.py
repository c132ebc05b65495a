"""A request in the hub as the body of a Messages call."""

import base64
import binascii
import re
from typing import Any, cast

import msgspec

from oneapi_app.convert import hub
from oneapi_app.errors import ConversionError
from oneapi_app.wire.anthropic.generations import Generation, Off, generation_of
from oneapi_app.wire.anthropic.output_schema import accepted_schema

Json = dict[str, Any]
MIN_THINKING_TOKENS = 1024
MAX_THINKING_TOKENS = 32_000
_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}
"""Of max_tokens, for models whose thinking is asked for in tokens."""
_RANKS = ("low", "medium", "high", "xhigh", "max")
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_SPEAKS_FIRST = {"role": "user", "content": [{"type": "text", "text": "."}]}


def write_request(request: hub.Request, *, sampling: bool = True) -> Json:
    """Raises ConversionError for what Claude cannot be asked. ``sampling``: the API version takes temperature etc.

    The body has model and stream; Bedrock and Vertex, which want them elsewhere, take them out.
    """
    if (request.settings.n or 1) > 1:
        raise ConversionError("n: this provider gives one answer per request")
    generation = generation_of(request.model)
    body: Json = {"model": request.model, "max_tokens": request.settings.max_tokens or generation.max_tokens}
    system, messages = _write_turns(request)
    note = _format_note(request, generation)
    if note:
        system.append({"type": "text", "text": note})
    if system:
        body["system"] = system
    body["messages"] = messages
    if request.tools:
        body["tools"] = [_write_tool(tool) for tool in request.tools]
        choice = _write_choice(request)
        if choice:
            body["tool_choice"] = choice
    stops = [stop for stop in request.settings.stop if stop.strip()]
    if stops:
        body["stop_sequences"] = stops
    _write_thinking(body, request, generation)
    thinks = body.get("thinking", {}).get("type") in ("adaptive", "enabled")
    if sampling and generation.sampling and not thinks:
        _write_sampling(body, request.settings, generation)
    output = request.settings.output
    if output is not None and output.schema is not None and generation.json_schema:
        form = {"type": "json_schema", "schema": accepted_schema(output.schema)}
        body.setdefault("output_config", {})["format"] = form
    if request.stream:
        body["stream"] = True
    return body


def _write_turns(request: hub.Request) -> tuple[list[Json], list[Json]]:
    """(system blocks, messages). Neighbours of one role become one message: all results of parallel calls must
    stand together in the message after the calls, before anything else."""
    system: list[Json] = []
    messages: list[Json] = []
    for turn in request.turns:
        if turn.role is hub.Role.SYSTEM:
            system += (
                _text_block(part) for part in turn.parts if isinstance(part, hub.Text) and part.text.strip()
            )
            continue
        blocks = [block for part in turn.parts if (block := _write_part(part)) is not None]
        if not blocks:
            continue
        if messages and messages[-1]["role"] == turn.role.value:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": turn.role.value, "content": blocks})
    for message in messages:
        if message["role"] == "user":
            message["content"].sort(key=_comes_later)
    if not messages:
        raise ConversionError("messages: nothing in them can be sent to this provider")
    if messages[0]["role"] != "user":
        messages.insert(0, _SPEAKS_FIRST)
    _trim_prefill(messages[-1])
    return system, messages


def _comes_later(block: Json) -> bool:
    return block["type"] != "tool_result"


def _trim_prefill(last: Json) -> None:
    """An answer begun by the caller must not end in white space."""
    if last["role"] == "assistant" and last["content"][-1]["type"] == "text":
        last["content"][-1]["text"] = last["content"][-1]["text"].rstrip()


def _write_part(part: hub.Part) -> Json | None:
    """None for what cannot be sent and need not be: empty texts and thoughts without their proof."""
    match part:
        case hub.Text():
            return _text_block(part) if part.text.strip() else None
        case hub.Refusal(text):
            return {"type": "text", "text": text} if text.strip() else None
        case hub.Image():
            return _marked(_image_block(part), part.cache_mark)
        case hub.File():
            return _document_block(part)
        case hub.Reasoning(text, signature, sealed):
            if sealed:
                return {"type": "redacted_thinking", "data": sealed}
            return {"type": "thinking", "thinking": text, "signature": signature} if signature else None
        case hub.ToolCall(call_id, name, arguments):
            return {
                "type": "tool_use",
                "id": _clean(call_id),
                "name": name,
                "input": read_arguments(arguments),
            }
        case hub.ToolResult(call_id, _, parts):
            shown = [block for shown in parts if (block := _write_part(shown)) is not None]
            result: Json = {"type": "tool_result", "tool_use_id": _clean(call_id)}
            return {**result, "content": shown} if shown else result
        case hub.Audio():
            raise ConversionError("messages: this provider takes no audio")


def _text_block(part: hub.Text) -> Json:
    return _marked({"type": "text", "text": part.text}, part.cache_mark)


def _marked(block: Json, mark: Json | None) -> Json:
    return {**block, "cache_control": mark} if mark else block


def _image_block(image: hub.Image) -> Json:
    if image.url:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    source = {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "image", "source": source}


def _document_block(file: hub.File) -> Json:
    if file.media_type.startswith("image/"):
        return _image_block(hub.Image(media_type=file.media_type, data=file.data))
    if file.media_type == "application/pdf":
        source = {"type": "base64", "media_type": file.media_type, "data": file.data}
    elif file.media_type.startswith("text/"):
        try:
            text = base64.b64decode(file.data).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            raise ConversionError("file: its data is not valid base64") from None
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        raise ConversionError(
            f"file: this provider takes no {file.media_type:.60}, only PDF, text and images"
        )
    return {"type": "document", "source": source, "title": file.name}


def _clean(call_id: str) -> str:
    """Ids from other vendors may have characters Anthropic refuses."""
    return _NOT_IN_IDS.sub("_", call_id) or "call"


def read_arguments(arguments: str) -> Json:
    """A model's arguments as an object; what is none is kept under a name, so that a conversation can go on."""
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {"arguments": arguments} if arguments.strip() else {}
    return cast("Json", decoded) if isinstance(decoded, dict) else {"arguments": decoded}


def _write_tool(tool: hub.Tool) -> Json:
    entry: Json = {"name": tool.name}
    if tool.description:
        entry["description"] = tool.description
    schema = tool.schema or {}
    entry["input_schema"] = schema if schema.get("type") == "object" else {**schema, "type": "object"}
    return _marked(entry, tool.cache_mark)


def _write_choice(request: hub.Request) -> Json | None:
    choice = request.tool_choice
    single = request.parallel_tool_calls is False
    if choice is None:
        return {"type": "auto", "disable_parallel_tool_use": True} if single else None
    match choice.mode:
        case "none":
            return {"type": "none"}
        case "required":
            written: Json = {"type": "any"}
        case "named":
            written = {"type": "tool", "name": choice.name}
        case _:
            written = {"type": "auto"}
    return {**written, "disable_parallel_tool_use": True} if single else written


def _write_thinking(body: Json, request: hub.Request, generation: Generation) -> None:
    settings = request.settings
    effort = settings.effort
    if effort is None and settings.thinking_tokens is None:
        return
    if effort == "none" or settings.thinking_tokens == 0:
        _write_no_thinking(body, generation)
        return
    forced = request.tool_choice is not None and request.tool_choice.mode in ("required", "named")
    if generation.adaptive:
        if not forced:
            # The newest models leave the text of their thoughts out unless asked for it.
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
        if effort is not None:
            body["output_config"] = {"effort": _nearest(effort, generation.efforts)}
        return
    budget = _budget(settings, body["max_tokens"])
    if budget is not None and generation.thinks and not forced and not _lacks_thoughts(body["messages"]):
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _write_no_thinking(body: Json, generation: Generation) -> None:
    match generation.off:
        case Off.OMIT:
            pass
        case Off.LOW_EFFORT:
            body["output_config"] = {"effort": "low"}
        case Off.DISABLED | Off.BETWEEN_TOOLS:
            body["thinking"] = {"type": generation.off.value}


def _nearest(effort: str, offered: tuple[str, ...]) -> str:
    """The same effort, else the next lower one that is offered."""
    wanted = _RANKS.index(effort) if effort in _RANKS else 0
    return next((rank for rank in reversed(_RANKS[: wanted + 1]) if rank in offered), "low")


def _budget(settings: hub.Settings, max_tokens: int) -> int | None:
    """Tokens for thinking, which are part of ``max_tokens``; None where there is no room for any."""
    wanted = settings.thinking_tokens
    if wanted is None:
        wanted = min(int(max_tokens * _SHARES.get(settings.effort or "medium", 0.5)), MAX_THINKING_TOKENS)
    budget = max(MIN_THINKING_TOKENS, min(wanted, max_tokens - 1))
    return budget if budget < max_tokens else None


def _lacks_thoughts(messages: list[Json]) -> bool:
    """The conversation is in the middle of tool calls whose thoughts the caller has not kept: asking for thoughts
    now would be refused."""
    for message in reversed(messages):
        if message["role"] == "assistant":
            kinds = {block["type"] for block in message["content"]}
            return "tool_use" in kinds and not kinds & {"thinking", "redacted_thinking"}
    return False


def _write_sampling(body: Json, settings: hub.Settings, generation: Generation) -> None:
    if settings.temperature is not None:
        body["temperature"] = min(max(settings.temperature, 0.0), 1.0)
    if settings.top_p is not None and not ("temperature" in body and generation.one_sampling):
        body["top_p"] = settings.top_p
    if settings.top_k is not None:
        body["top_k"] = settings.top_k


def _format_note(request: hub.Request, generation: Generation) -> str:
    """Words for what has no field: JSON of any shape, and schemas for models that know none."""
    output = request.settings.output
    if output is None or (output.schema is not None and generation.json_schema):
        return ""
    note = "Answer with one valid JSON value and nothing else: no explanation, no code fence."
    if output.schema is None:
        return note
    return f"{note} It must conform to this JSON schema: {msgspec.json.encode(output.schema).decode()}"
