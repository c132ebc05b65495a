"""The neutral form: what every dialect's reader produces and every dialect's writer takes.

A request is turns of parts. An answer is a sequence of events, each naming the part it belongs to; a whole answer
is the same events folded, so that streamed and unary answers share one mapping. Knows no dialect and no vendor.
"""

from enum import StrEnum
from typing import Any

import msgspec

Json = dict[str, Any]


class Text(msgspec.Struct, frozen=True):
    """``cache_mark``: a prompt-cache breakpoint after this part, as its dialect wrote it."""

    text: str
    cache_mark: Json | None = None


class Image(msgspec.Struct, frozen=True):
    """``url`` for a link, else ``media_type`` and ``data`` (base64)."""

    url: str = ""
    media_type: str = ""
    data: str = ""
    detail: str = ""
    cache_mark: Json | None = None


class Audio(msgspec.Struct, frozen=True):
    """``data`` is base64; ``format`` as in ``wav`` or ``mp3``."""

    data: str
    format: str


class File(msgspec.Struct, frozen=True):
    """A document; ``data`` is base64."""

    name: str
    media_type: str
    data: str


class Reasoning(msgspec.Struct, frozen=True):
    """What the model thought. ``signature``: the vendor's proof of it. ``sealed``: thoughts only the vendor reads."""

    text: str = ""
    signature: str = ""
    sealed: str = ""


class ToolCall(msgspec.Struct, frozen=True):
    """``arguments`` is JSON text as the model wrote it; ``signature`` the vendor's proof of the thought behind it."""

    id: str
    name: str
    arguments: str
    signature: str = ""


class ToolResult(msgspec.Struct, frozen=True):
    """``name`` may be empty where only the call's id is known."""

    id: str
    name: str
    parts: "tuple[Text | Image, ...]"


class Refusal(msgspec.Struct, frozen=True):
    text: str


Part = Text | Image | Audio | File | Reasoning | ToolCall | ToolResult | Refusal


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Turn(msgspec.Struct, frozen=True):
    role: Role
    parts: tuple[Part, ...]


class Tool(msgspec.Struct, frozen=True):
    """``schema`` is the JSON schema of the arguments, None where the caller gave none."""

    name: str
    description: str
    schema: Json | None
    cache_mark: Json | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    """``mode``: auto, none, required, or named with ``name``."""

    mode: str
    name: str = ""


class OutputFormat(msgspec.Struct, frozen=True):
    """JSON of any shape, or of ``schema``."""

    name: str = ""
    schema: Json | None = None


class Settings(msgspec.Struct, frozen=True):
    """None means the vendor's default."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    effort: str | None = None
    """How hard to think: none, minimal, low, medium, high, xhigh, max."""
    thinking_tokens: int | None = None
    """How long to think, where the caller prefers to say it so; 0 for not at all."""
    output: OutputFormat | None = None
    context_tokens: int | None = None


class Request(msgspec.Struct, frozen=True):
    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    settings: Settings = Settings()
    stream: bool = False


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Token counts in disjoint classes; ``reasoning_tokens`` are part of ``output_tokens``."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def completion_tokens(self) -> int:
        return self.output_tokens


class StopReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class PartKind(StrEnum):
    TEXT = "text"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"


class Started(msgspec.Struct, frozen=True, gc=False):
    """The answer begins; ``id`` is the vendor's name for it."""

    id: str


class PartStart(msgspec.Struct, frozen=True, gc=False):
    """``part`` numbers the parts of an answer from 0, in all its choices together; ``id`` and ``name`` of tool calls."""

    part: int
    kind: PartKind
    choice: int = 0
    id: str = ""
    name: str = ""
    signature: str = ""


class PartDelta(msgspec.Struct, frozen=True, gc=False):
    """More text of an open part; of a tool call: of the JSON of its arguments."""

    part: int
    text: str


class PartEnd(msgspec.Struct, frozen=True, gc=False):
    """A part is complete. ``signature`` and ``sealed`` as in ``Reasoning``."""

    part: int
    signature: str = ""
    sealed: str = ""


class Counted(msgspec.Struct, frozen=True, gc=False):
    """Usage as known so far; the last one counts."""

    usage: Usage


class Stopped(msgspec.Struct, frozen=True, gc=False):
    reason: StopReason
    choice: int = 0


class Failed(msgspec.Struct, frozen=True, gc=False):
    """The vendor reports an error inside its answer. ``status``: what it would have been as an HTTP answer."""

    message: str
    type: str
    status: int


Event = Started | PartStart | PartDelta | PartEnd | Counted | Stopped | Failed


class Choice(msgspec.Struct, frozen=True):
    """One of the alternatives of a whole answer."""

    parts: tuple[Text | Reasoning | ToolCall, ...]
    reason: StopReason


class Answer(msgspec.Struct, frozen=True):
    """A whole answer: the fold of its events."""

    id: str
    choices: tuple[Choice, ...]
    usage: Usage | None
