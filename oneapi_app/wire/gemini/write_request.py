"""A request in the hub as the body of a generateContent call."""

import re
from functools import lru_cache
from typing import Any, cast

import msgspec

from oneapi_app.convert import hub
from oneapi_app.errors import ConversionError

Json = dict[str, Any]
SAFETY_CATEGORIES = (
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
)
NO_SIGNATURE = "skip_thought_signature_validator"
"""Google's own word for a call whose signature was not kept; without any, Gemini 3 refuses the request.
https://ai.google.dev/gemini-api/docs/thought-signatures"""
MAX_STOPS = 5
OUR_CALL_ID = "call_"
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
"""https://ai.google.dev/gemini-api/docs/openai#thinking"""
_LEVELS = {"medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_MIN_BUDGET_PRO = 128
_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mp3"}
_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_WITHOUT_SYSTEM = re.compile(r"gemini-(?:1\.0-|pro)|gemma-[1-3]")


@lru_cache(maxsize=512)
def version_of(model: str) -> tuple[int, int]:
    """(0, 0) for names without one."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def write_request(request: hub.Request, *, api_version: str, safety: str) -> Json:
    """Raises ConversionError for what Gemini cannot be asked. ``safety``: the threshold for every category.

    The stable ``v1`` of the API has no field for system instructions and JSON schemas.
    """
    modern = api_version != "v1"
    body: Json = {}
    system = [part for turn in request.turns if turn.role is hub.Role.SYSTEM for part in turn.parts]
    contents = _write_contents(request)
    instruction = [{"text": part.text} for part in system if isinstance(part, hub.Text) and part.text]
    if instruction and modern and not _WITHOUT_SYSTEM.search(request.model):
        body["systemInstruction"] = {"parts": instruction}
    elif instruction:
        contents = _said_first(instruction, contents)
    if not contents:
        raise ConversionError("messages: nothing in them can be sent to this provider")
    body["contents"] = contents
    if request.tools:
        body["tools"] = [
            {"functionDeclarations": [_write_tool(tool, modern=modern) for tool in request.tools]}
        ]
        if request.tool_choice is not None:
            body["toolConfig"] = {"functionCallingConfig": _write_choice(request.tool_choice)}
    body["safetySettings"] = [{"category": category, "threshold": safety} for category in SAFETY_CATEGORIES]
    config = _write_config(request, modern=modern)
    if config:
        body["generationConfig"] = config
    return body


def _write_contents(request: hub.Request) -> list[Json]:
    signed = version_of(request.model) >= (3, 0)
    contents: list[Json] = []
    for turn in request.turns:
        if turn.role is hub.Role.SYSTEM:
            continue
        parts = [written for part in turn.parts for written in _write_part(part)]
        if not parts:
            continue
        role = "model" if turn.role is hub.Role.ASSISTANT else "user"
        if signed and role == "model":
            _sign_first_call(parts)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _sign_first_call(parts: list[Json]) -> None:
    """Of parallel calls only the first one carries a signature."""
    for part in parts:
        if "functionCall" in part:
            part.setdefault("thoughtSignature", NO_SIGNATURE)
            return


def _said_first(instruction: list[Json], contents: list[Json]) -> list[Json]:
    """For models without system instructions: as the beginning of what the user says."""
    if contents and contents[0]["role"] == "user":
        return [{"role": "user", "parts": instruction + contents[0]["parts"]}, *contents[1:]]
    return [{"role": "user", "parts": instruction}, *contents]


def _write_part(part: hub.Part) -> list[Json]:
    match part:
        case hub.Text(text) | hub.Refusal(text):
            return [{"text": text}] if text else []
        case hub.Image():
            return [_image_part(part)]
        case hub.Audio(data, form):
            return [_inline(_AUDIO_TYPES.get(form, f"audio/{form}"), data)]
        case hub.File(_, media_type, data):
            return [_inline(media_type, data)]
        case hub.Reasoning():
            return []
        case hub.ToolCall():
            return [_call_part(part)]
        case hub.ToolResult():
            return _result_parts(part)


def _image_part(image: hub.Image) -> Json:
    if image.url:
        raise ConversionError("image_url: this image could not be fetched for the provider")
    return _inline(image.media_type, image.data)


def _inline(media_type: str, data: str) -> Json:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _call_part(call: hub.ToolCall) -> Json:
    function: Json = {"name": call.name, "args": _read_object(call.arguments, "arguments")}
    if _is_theirs(call.id, call.name):
        function["id"] = call.id
    written: Json = {"functionCall": function}
    if call.signature:
        written["thoughtSignature"] = call.signature
    return written


def _result_parts(result: hub.ToolResult) -> list[Json]:
    text = "".join(part.text for part in result.parts if isinstance(part, hub.Text))
    name = result.name or result.id
    function: Json = {"name": name, "response": _read_object(text, "output")}
    if _is_theirs(result.id, name):
        function["id"] = result.id
    images = [_image_part(part) for part in result.parts if isinstance(part, hub.Image)]
    return [{"functionResponse": function}, *images]


def _is_theirs(call_id: str, name: str) -> bool:
    """Ids we or OpenAI made up mean nothing to Gemini, which then matches by name and order."""
    return not call_id.startswith(OUR_CALL_ID) and call_id != name and call_id != ""


def _read_object(text: str, otherwise: str) -> Json:
    """JSON text as the object these fields must be; anything else under one name."""
    if text.lstrip().startswith("{"):
        try:
            decoded = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            decoded = None
        if isinstance(decoded, dict):
            return cast("Json", decoded)
    return {otherwise: text} if text else {}


def _write_tool(tool: hub.Tool, *, modern: bool) -> Json:
    declaration: Json = {"name": tool.name}
    if tool.description:
        declaration["description"] = tool.description
    if tool.schema:
        declaration["parametersJsonSchema" if modern else "parameters"] = tool.schema
    return declaration


def _write_choice(choice: hub.ToolChoice) -> Json:
    config: Json = {"mode": _MODES.get(choice.mode, "AUTO")}
    if choice.mode == "named":
        config["allowedFunctionNames"] = [choice.name]
    return config


def _write_config(request: hub.Request, *, modern: bool) -> Json:
    settings = request.settings
    given: Json = {
        "temperature": settings.temperature,
        "topP": settings.top_p,
        "topK": settings.top_k,
        "maxOutputTokens": settings.max_tokens,
        "stopSequences": list(settings.stop[:MAX_STOPS]) or None,
        "seed": settings.seed,
        "candidateCount": settings.n if (settings.n or 1) > 1 else None,
        "presencePenalty": settings.presence_penalty,
        "frequencyPenalty": settings.frequency_penalty,
        "thinkingConfig": _write_thinking(request),
    }
    output = settings.output
    if output is not None:
        given["responseMimeType"] = "application/json"
        if output.schema is not None:
            given["responseJsonSchema" if modern else "responseSchema"] = output.schema
    return {name: value for name, value in given.items() if value is not None}


def _write_thinking(request: hub.Request) -> Json | None:
    """Tokens until Gemini 2.5, levels since 3, of which only some models know ``minimal``."""
    effort, tokens = request.settings.effort, request.settings.thinking_tokens
    version = version_of(request.model)
    if (effort is None and tokens is None) or (0, 0) < version < (2, 5):
        return None
    off = effort == "none" or tokens == 0
    if version >= (3, 0) and (effort is not None or off):
        lowest = "minimal" if version[0] == 3 and "flash" in request.model else "low"
        level = lowest if off or effort == "minimal" else _LEVELS.get(effort or "", "low")
        return {"thinkingLevel": level, "includeThoughts": not off}
    if tokens is None:
        tokens = 0 if off else _BUDGETS.get(effort or "", _BUDGETS["medium"])
    if "pro" in request.model:
        tokens = max(tokens, _MIN_BUDGET_PRO)
    return {"thinkingBudget": tokens, "includeThoughts": not off}
