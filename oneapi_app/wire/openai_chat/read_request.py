"""A caller's chat request into the hub."""

from typing import Any, cast

import msgspec

from oneapi_app.convert import hub
from oneapi_app.errors import ConversionError
from oneapi_app.wire.data_url import split_data_url
from oneapi_app.wire.openai_chat import request_fields as wire

Json = dict[str, Any]
TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def read_request(fields: Json, model: str, *, stream: bool) -> hub.Request:
    """Raises ConversionError naming what cannot be read."""
    try:
        chat = msgspec.convert(fields, wire.ChatFields, strict=False)
    except msgspec.ValidationError as error:
        raise ConversionError(str(error)) from None
    except RecursionError:
        raise ConversionError("the request is nested too deeply") from None
    names = _names_of_calls(chat.messages)
    tools = _read_tools(chat)
    return hub.Request(
        model=model,
        turns=tuple(_read_message(message, names) for message in chat.messages),
        tools=tools,
        tool_choice=_read_choice(chat.tool_choice or chat.function_call) if tools else None,
        parallel_tool_calls=chat.parallel_tool_calls,
        settings=_read_settings(chat),
        stream=stream,
    )


def image_links(fields: Json) -> list[str]:
    """http(s) addresses of images in the messages; never fails."""
    found: list[str] = []
    messages = fields.get("messages")
    for message in cast("list[Any]", messages) if isinstance(messages, list) else []:
        content = cast("Json", message).get("content") if isinstance(message, dict) else None
        for part in cast("list[Any]", content) if isinstance(content, list) else []:
            image = cast("Json", part).get("image_url") if isinstance(part, dict) else None
            url = cast("Json", image).get("url") if isinstance(image, dict) else image
            if isinstance(url, str) and url.startswith(("http://", "https://")):
                found.append(url)
    return found


def _names_of_calls(messages: list[wire.Message]) -> dict[str, str]:
    calls = (call for message in messages for call in message.tool_calls or ())
    return {call.id: call.function.name for call in calls if call.id}


def _read_message(message: wire.Message, names: dict[str, str]) -> hub.Turn:
    match message.role:
        case "system" | "developer":
            return hub.Turn(hub.Role.SYSTEM, _read_content(message.content))
        case "user":
            return hub.Turn(hub.Role.USER, _read_content(message.content))
        case "assistant":
            return hub.Turn(hub.Role.ASSISTANT, _read_assistant(message))
        case "tool" | "function":
            parts = _read_content(message.content)
            shown = tuple(part for part in parts if isinstance(part, hub.Text | hub.Image))
            call_id = message.tool_call_id or message.name or ""
            name = names.get(call_id) or message.name or ""
            return hub.Turn(hub.Role.USER, (hub.ToolResult(call_id, name, shown),))
        case _:
            raise ConversionError(f"messages: unknown role {message.role!r:.40}")


def _read_assistant(message: wire.Message) -> tuple[hub.Part, ...]:
    parts: list[hub.Part] = list(_read_reasoning(message))
    parts += _read_content(message.content)
    if message.refusal:
        parts.append(hub.Refusal(message.refusal))
    for call in message.tool_calls or ():
        parts.append(_read_call(call))
    if message.function_call is not None:
        called = message.function_call
        parts.append(hub.ToolCall(called.name, called.name, _arguments(called)))
    return tuple(parts)


def _read_reasoning(message: wire.Message) -> list[hub.Reasoning]:
    """The signed thoughts as we have handed them out, else the bare text."""
    found: list[hub.Reasoning] = []
    for detail in message.reasoning_details or ():
        if detail.signature:
            found.append(hub.Reasoning(detail.text or "", detail.signature))
        elif detail.type == "reasoning.encrypted" and detail.data:
            found.append(hub.Reasoning(sealed=detail.data))
    if not found and message.reasoning_content:
        found.append(hub.Reasoning(message.reasoning_content))
    return found


def _read_call(call: wire.CallEntry) -> hub.ToolCall:
    extras = call.extra_content.google if call.extra_content else None
    signature = extras.get("thought_signature") if extras else None
    name = call.function.name
    return hub.ToolCall(
        call.id or name, name, _arguments(call.function), signature if isinstance(signature, str) else ""
    )


def _arguments(called: wire.CalledFunction) -> str:
    given = called.arguments
    if isinstance(given, dict):
        return msgspec.json.encode(given).decode()
    return given or "{}"


def _read_content(content: str | list[wire.ContentPart] | None) -> tuple[hub.Part, ...]:
    if not content:
        return ()
    if isinstance(content, str):
        return (hub.Text(content),)
    return tuple(_read_part(part) for part in content)


def _read_part(part: wire.ContentPart) -> hub.Part:
    if part.type in TEXT_TYPES:
        return hub.Text(part.text or "", part.cache_control)
    match part.type:
        case "refusal":
            return hub.Refusal(part.refusal or "")
        case "image_url" | "input_image" if part.image_url is not None:
            return _read_image(part)
        case "input_audio" if part.input_audio is not None:
            return hub.Audio(part.input_audio.data, part.input_audio.format)
        case "file" if part.file is not None:
            return _read_file(part.file)
        case _:
            raise ConversionError(
                f"messages: content of type {part.type!r:.40} cannot be passed on to this provider"
            )


def _read_image(part: wire.ContentPart) -> hub.Image | hub.File:
    image = part.image_url
    url, detail = (
        (image, "") if isinstance(image, str) else (image.url, image.detail or "") if image else ("", "")
    )
    found = split_data_url(url)
    if found is not None:
        media_type, data = found
        if media_type == "application/pdf":
            return hub.File("document.pdf", media_type, data)
        return hub.Image(
            media_type=media_type or "image/png", data=data, detail=detail, cache_mark=part.cache_control
        )
    if url.startswith(("http://", "https://")):
        return hub.Image(url=url, detail=detail, cache_mark=part.cache_control)
    raise ConversionError("image_url: expected an http(s) address or a base64 data URL")


def _read_file(file: wire.FileInput) -> hub.File:
    if not file.file_data:
        raise ConversionError(
            "file: only files inside the request (file_data) can be passed on to this provider"
        )
    found = split_data_url(file.file_data)
    media_type, data = found if found is not None else ("", file.file_data)
    return hub.File(file.filename or "file", media_type or "application/pdf", data)


def _read_tools(chat: wire.ChatFields) -> tuple[hub.Tool, ...]:
    tools: list[hub.Tool] = []
    for entry in chat.tools or ():
        if entry.function is None:
            raise ConversionError(
                f"tools: {entry.type!r:.40} cannot be passed on to this provider, only functions"
            )
        function = entry.function
        tools.append(
            hub.Tool(function.name, function.description or "", function.parameters, entry.cache_control)
        )
    tools += (hub.Tool(f.name, f.description or "", f.parameters) for f in chat.functions or ())
    return tuple(tools)


def _read_choice(choice: str | wire.NamedChoice | None) -> hub.ToolChoice | None:
    if isinstance(choice, str):
        mode = _MODES.get(choice)
        return hub.ToolChoice(mode) if mode else None
    if choice is None:
        return None
    name = choice.function.name if choice.function else choice.name
    return hub.ToolChoice("named", name) if name else None


def _read_settings(chat: wire.ChatFields) -> hub.Settings:
    limit = chat.max_completion_tokens or chat.max_tokens
    stop = (chat.stop,) if isinstance(chat.stop, str) else tuple(chat.stop or ())
    effort, thinking_tokens = _read_thinking(chat)
    return hub.Settings(
        max_tokens=int(limit) if limit and limit > 0 else None,
        temperature=chat.temperature,
        top_p=chat.top_p,
        top_k=_whole(chat.top_k),
        stop=stop,
        seed=_whole(chat.seed),
        n=_whole(chat.n),
        presence_penalty=chat.presence_penalty,
        frequency_penalty=chat.frequency_penalty,
        effort=effort,
        thinking_tokens=thinking_tokens,
        output=_read_output(chat.response_format),
        context_tokens=_whole(chat.num_ctx),
    )


def _read_thinking(chat: wire.ChatFields) -> tuple[str | None, int | None]:
    effort = chat.reasoning_effort or None
    if chat.thinking is None:
        return effort, None
    if chat.thinking.type == "disabled":
        return "none", 0
    return effort or ("medium" if chat.thinking.budget_tokens is None else None), chat.thinking.budget_tokens


def _read_output(wanted: wire.ResponseFormat | None) -> hub.OutputFormat | None:
    if wanted is None or wanted.type not in ("json_object", "json_schema"):
        return None
    described = wanted.json_schema
    if wanted.type == "json_object" or described is None:
        return hub.OutputFormat()
    return hub.OutputFormat(described.name or "answer", described.schema)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
