"""The fields of a chat request that can be said in other dialects; everything else is left unread."""

from typing import Any

import msgspec

Json = dict[str, Any]


class ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct):
    data: str
    format: str = "wav"


class FileInput(msgspec.Struct):
    file_data: str | None = None
    filename: str | None = None
    file_id: str | None = None


class ContentPart(msgspec.Struct):
    type: str = "text"
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: FileInput | None = None
    cache_control: Json | None = None


class CalledFunction(msgspec.Struct):
    name: str
    arguments: str | Json | None = None


class CallExtras(msgspec.Struct):
    """``extra_content`` as Google documents it for its own OpenAI surface."""

    google: Json | None = None


class CallEntry(msgspec.Struct):
    function: CalledFunction
    id: str | None = None
    extra_content: CallExtras | None = None


class ReasoningDetail(msgspec.Struct):
    type: str
    text: str | None = None
    signature: str | None = None
    data: str | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[CallEntry] | None = None
    function_call: CalledFunction | None = None
    reasoning_content: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    refusal: str | None = None


class FunctionFields(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: Json | None = None


class ToolEntry(msgspec.Struct):
    type: str = "function"
    function: FunctionFields | None = None
    cache_control: Json | None = None


class JsonSchemaFormat(msgspec.Struct):
    name: str | None = None
    schema: Json | None = None


class ResponseFormat(msgspec.Struct):
    type: str
    json_schema: JsonSchemaFormat | None = None


class Thinking(msgspec.Struct):
    """A switch several vendors have agreed on beside ``reasoning_effort``."""

    type: str = "enabled"
    budget_tokens: int | None = None


class Named(msgspec.Struct):
    name: str


class NamedChoice(msgspec.Struct):
    function: Named | None = None
    name: str | None = None


class ChatFields(msgspec.Struct):
    messages: list[Message]
    tools: list[ToolEntry] | None = None
    functions: list[FunctionFields] | None = None
    tool_choice: str | NamedChoice | None = None
    function_call: str | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: float | None = None
    max_completion_tokens: float | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    stop: str | list[str] | None = None
    seed: float | None = None
    n: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    reasoning_effort: str | None = None
    thinking: Thinking | None = None
    response_format: ResponseFormat | None = None
    num_ctx: float | None = None
