"""What a provider is: answers to the same questions, as data and a few pure functions.

What is made anew for every request is a ``msgspec.Struct``: its constructor costs a tenth of a dataclass's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

import msgspec

from oneapi_app.convert.base import Converter, Failure, Headers
from oneapi_app.errors import ConversionError


class Operation(StrEnum):
    """What a caller asks for."""

    __hash__ = str.__hash__  # an enumeration's own is a call into Python, and every request looks some up

    CHAT = "chat completions"
    COMPLETIONS = "completions"
    EDITS = "edits"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    IMAGES = "image generation"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    TRANSLATION = "translation"


class Dialect(Enum):
    """Whose wire format."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    OLLAMA = "ollama"


class BalanceQuery(StrEnum):
    """How a vendor tells what is left (contract §10.23)."""

    OPENAI = "openai_billing"
    CLOSEAI = "closeai"
    OPENAI_SB = "openai_sb"
    AIPROXY = "aiproxy"
    API2GPT = "api2gpt"
    AIGC2D = "aigc2d"
    OPENROUTER = "openrouter"
    DEEPSEEK = "deepseek"
    SILICONFLOW = "siliconflow"


class UpstreamRequest(msgspec.Struct, frozen=True, gc=False):
    """One HTTP request. Header names in lower case; Host, Content-Length and Connection are the transport's."""

    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Media:
    """A fetched file."""

    media_type: str
    data: bytes


class Route(msgspec.Struct, frozen=True, gc=False):
    """One chosen channel, as providers see it. ``base_url`` without a slash at the end."""

    channel_id: int
    channel_type: int
    base_url: str
    key: str
    config: Mapping[str, str]
    model: str
    """As the provider knows it."""
    system_prompt: str | None


class ClientRequest(msgspec.Struct, gc=False):
    """What came in. Nobody changes ``body`` or ``json``.

    ``is_json``: the body has been found to be a JSON object; a form is none. ``answer_limit``: of tokens, where the
    caller set one. ``media``: what was fetched for ``remote_media``.
    """

    dialect: Dialect
    operation: Operation
    path: str
    query: str
    body: bytes
    model: str
    stream: bool
    headers: Mapping[bytes, bytes]
    answer_limit: int | None = None
    enforce_usage: bool = False
    is_json: bool = True
    media: Mapping[str, Media] | None = None
    decoded: dict[str, Any] | None = None

    @property
    def json(self) -> dict[str, Any] | None:
        """The body's fields, None of a form. Read when first asked for: what goes through as it is, is never taken apart.

        Raises ConversionError for numbers that no program reads, RecursionError.
        """
        if self.decoded is None and self.is_json:
            try:
                self.decoded = msgspec.json.decode(self.body)
            except msgspec.ValidationError:
                raise ConversionError("a number in the request is out of range") from None
        return self.decoded


@dataclass(frozen=True, slots=True)
class ConfigField:
    """A field of ``channels.config`` this type needs; texts are catalog keys of the console."""

    name: str
    secret: bool = False
    required: bool = False


Build = Callable[["Provider", ClientRequest, Route], UpstreamRequest]
MakeConverter = Callable[["Provider", ClientRequest, Route], Converter]
Classify = Callable[[int, Headers, bytes, bool], Failure | None]


def _no_media(_request: ClientRequest) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor. A capability is the presence of its operation in ``endpoints``."""

    id: int
    slug: str
    title: str
    base_url: str
    dialect: Dialect
    endpoints: Mapping[Operation, str]
    """Operation -> path below the base URL; ``{model}`` and others as the builder understands them."""
    builder: Build
    make_converter: MakeConverter
    classifier: Classify
    media_links: Callable[[ClientRequest], list[str]] = _no_media
    docs_url: str = ""
    owned_by: str = ""
    key_format: str = ""
    config_fields: tuple[ConfigField, ...] = ()
    legacy_other: str | None = None
    """Which config field the deprecated ``other`` column stands for."""
    extra_headers: tuple[tuple[bytes, bytes], ...] = ()
    balance: BalanceQuery | None = None
    quirks: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = ()
    """Edits of the caller's body for what this vendor refuses; see ``providers.quirks``."""
    straight: bool = False
    """Bodies of chats go through as they are, both ways, where neither ``quirks`` nor the route change anything."""
    wants_process_config: bool = False
    models: tuple[str, ...] = field(default=())

    def supports(self, operation: Operation) -> bool:
        return operation in self.endpoints

    def remote_media(self, request: ClientRequest) -> list[str]:
        """URLs whose content ``build`` needs in ``request.media``."""
        return self.media_links(request)

    def build(self, request: ClientRequest, route: Route) -> UpstreamRequest:
        """Pure. Raises ConversionError for what this vendor cannot be asked."""
        return self.builder(self, request, route)

    def converter(self, request: ClientRequest, route: Route) -> Converter:
        return self.make_converter(self, request, route)

    def classify(self, status: int, headers: Headers, body: bytes, streaming: bool) -> Failure | None:
        """None where the answer is acceptable; also finds errors inside a 200 answer."""
        return self.classifier(status, headers, body, streaming)
