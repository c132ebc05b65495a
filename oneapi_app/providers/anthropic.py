"""Anthropic. https://platform.claude.com/docs/en/api/overview"""

import msgspec

from oneapi_app.convert.base import Converter
from oneapi_app.convert.failures import classify_openai
from oneapi_app.providers.base import (
    ClientRequest,
    Dialect,
    Failure,
    Headers,
    Operation,
    Provider,
    Route,
    UpstreamRequest,
)
from oneapi_app.providers.translation import chat_links, neutral_request, translation
from oneapi_app.wire.anthropic.read_answer import MessageReader
from oneapi_app.wire.anthropic.write_request import write_request

API_VERSION = b"2023-06-01"
"""The last one that takes temperature, top_p and top_k, for models that still do."""
_ALIASES = {"claude-instant-1": "claude-instant-1.1", "claude-2": "claude-2.1"}
_LONG_ANSWERS_OF = "claude-3-5-sonnet"
_LONG_ANSWERS = b"max-tokens-3-5-sonnet-2024-07-15"


def _build(provider: Provider, request: ClientRequest, route: Route) -> UpstreamRequest:
    asked = neutral_request(request, route)
    model = _ALIASES.get(asked.model, asked.model)
    version = request.headers.get(b"anthropic-version") or API_VERSION
    body = write_request(msgspec.structs.replace(asked, model=model), sampling=version <= API_VERSION)
    headers = [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if request.stream else b"application/json"),
        (b"x-api-key", route.key.encode()),
        (b"anthropic-version", version),
    ]
    beta = request.headers.get(b"anthropic-beta") or (
        _LONG_ANSWERS if model.startswith(_LONG_ANSWERS_OF) else b""
    )
    if beta:
        headers.append((b"anthropic-beta", beta))
    url = route.base_url.rstrip("/") + provider.endpoints[request.operation]
    return UpstreamRequest("POST", url, tuple(headers), msgspec.json.encode(body))


def _links(request: ClientRequest) -> list[str]:
    """Anthropic fetches linked images itself, but over TLS only."""
    return [link for link in chat_links(request) if link.startswith("http://")]


def _converter(_provider: Provider, request: ClientRequest, _route: Route) -> Converter:
    return translation(request, MessageReader())


def _classify(status: int, headers: Headers, body: bytes, streaming: bool) -> Failure | None:
    """Anthropic's errors have a type and no code; OpenAI's clients look at the code."""
    failure = classify_openai(status, headers, body, streaming)
    if failure is None or failure.code is not None or not failure.type:
        return failure
    return Failure(
        failure.status, failure.message, failure.type, failure.type, failure.param, failure.retry_after_s
    )


PROVIDER = Provider(
    id=14,
    slug="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com",
    dialect=Dialect.ANTHROPIC,
    endpoints={Operation.CHAT: "/v1/messages"},
    builder=_build,
    make_converter=_converter,
    classifier=_classify,
    media_links=_links,
    docs_url="https://platform.claude.com/docs/en/api/overview",
    owned_by="anthropic",
    key_format="API key (x-api-key)",
)
