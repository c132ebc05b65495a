"""Everything that speaks OpenAI's wire format: one builder, differences as data."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import msgspec

from oneapi_app.convert.base import Converter
from oneapi_app.convert.failures import classify_openai
from oneapi_app.convert.passthrough import Passthrough, Verbatim
from oneapi_app.providers.base import (
    BalanceQuery,
    ClientRequest,
    ConfigField,
    Dialect,
    Operation,
    Provider,
    Route,
    UpstreamRequest,
)
from oneapi_app.providers.quirks import Quirk

BEARER_KEY = "plain API key (sent as Bearer)"

ENDPOINTS: Mapping[Operation, str] = {
    Operation.CHAT: "/v1/chat/completions",
    Operation.COMPLETIONS: "/v1/completions",
    Operation.EDITS: "/v1/edits",
    Operation.EMBEDDINGS: "/v1/embeddings",
    Operation.MODERATIONS: "/v1/moderations",
    Operation.IMAGES: "/v1/images/generations",
    Operation.SPEECH: "/v1/audio/speech",
    Operation.TRANSCRIPTION: "/v1/audio/transcriptions",
    Operation.TRANSLATION: "/v1/audio/translations",
}
WITHOUT_V1: Mapping[Operation, str] = {
    operation: path.removeprefix("/v1") for operation, path in ENDPOINTS.items()
}
JSON = b"application/json"
_CHAT = Operation.CHAT  # looking a member up in its enumeration costs as much as ten of these
_EMBEDDINGS = Operation.EMBEDDINGS
_CLOUDFLARE_GATEWAY = "https://gateway.ai.cloudflare.com"
_VERBATIM = frozenset({Operation.IMAGES, Operation.SPEECH, Operation.TRANSCRIPTION, Operation.TRANSLATION})


def openai_like(
    id: int,
    slug: str,
    title: str,
    base_url: str,
    *,
    endpoints: Mapping[Operation, str] = ENDPOINTS,
    models: tuple[str, ...] = (),
    owned_by: str = "openai",
    docs_url: str = "",
    key_format: str = BEARER_KEY,
    config_fields: tuple[ConfigField, ...] = (),
    extra_headers: tuple[tuple[bytes, bytes], ...] = (),
    balance: BalanceQuery | None = None,
    quirks: tuple[Quirk, ...] = (),
) -> Provider:
    """A vendor whose requests and answers are OpenAI's."""
    return Provider(
        id=id,
        slug=slug,
        title=title,
        base_url=base_url,
        dialect=Dialect.OPENAI,
        endpoints=endpoints,
        builder=build,
        make_converter=make_converter,
        classifier=classify_openai,
        docs_url=docs_url,
        owned_by=owned_by,
        key_format=key_format,
        config_fields=config_fields,
        extra_headers=extra_headers,
        balance=balance,
        quirks=quirks,
        straight=True,
        models=models,
    )


def build(provider: Provider, request: ClientRequest, route: Route) -> UpstreamRequest:
    url = _url(route.base_url, provider.endpoints[request.operation], request.query)
    headers = (*client_headers(request), _bearer(route.key), *provider.extra_headers)
    return UpstreamRequest("POST", url, headers, edited_body(provider, request, route))


@lru_cache(maxsize=1024)
def _url(base_url: str, path: str, query: str) -> str:
    if base_url.startswith(_CLOUDFLARE_GATEWAY):
        path = path.removeprefix("/v1")
    url = base_url.rstrip("/") + path
    return f"{url}?{query}" if query else url


@lru_cache(maxsize=1024)
def _bearer(key: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + key.encode()


def make_converter(_provider: Provider, request: ClientRequest, _route: Route) -> Converter:
    if request.operation in _VERBATIM:
        return Verbatim(spoken=request.operation in (Operation.TRANSCRIPTION, Operation.TRANSLATION))
    return Passthrough(request.operation is _CHAT)


def client_headers(request: ClientRequest) -> tuple[tuple[bytes, bytes], ...]:
    """Content-Type and Accept as the caller sent them, an event stream where one is asked for.

    A body that was read as JSON is sent as JSON, whatever the caller called it.
    """
    content_type = request.headers.get(b"content-type") or JSON
    if request.is_json and not content_type.lower().startswith(JSON):
        content_type = JSON
    accept = request.headers.get(b"accept")
    if accept is None:
        accept = b"text/event-stream" if request.stream else b"*/*"
    return ((b"content-type", content_type), (b"accept", accept))


def edited_body(provider: Provider, request: ClientRequest, route: Route) -> bytes:
    """The caller's bytes, untouched unless the channel changes model, system prompt or usage reporting, or the
    vendor has a quirk that applies."""
    as_it_is = route.model == request.model and not route.system_prompt and not provider.quirks
    asks_usage = request.enforce_usage and request.stream
    if as_it_is and not asks_usage and request.operation is not _EMBEDDINGS:
        return request.body
    fields = request.json
    if fields is None:
        return request.body
    body = fields
    for quirk in provider.quirks:
        body = quirk(body)
    changes: dict[str, Any] = {}
    named_in_path = request.operation is _EMBEDDINGS and not body.get("model")
    if route.model != request.model or named_in_path:
        changes["model"] = route.model
    if route.system_prompt and isinstance(body.get("messages"), list):
        changes["messages"] = with_system_prompt(cast("list[Any]", body["messages"]), route.system_prompt)
    if asks_usage:
        asked = body.get("stream_options")
        options = cast("dict[str, Any]", asked) if isinstance(asked, dict) else {}
        if options.get("include_usage") is not True:
            changes["stream_options"] = options | {"include_usage": True}
    if body is fields and not changes:
        return request.body
    return msgspec.json.encode(body | changes)


def with_system_prompt(messages: list[Any], prompt: str) -> list[Any]:
    """The channel's prompt instead of the caller's first system message, or before everything."""
    message = {"role": "system", "content": prompt}
    first = messages[0] if messages else None
    if isinstance(first, dict) and cast("dict[str, Any]", first).get("role") == "system":
        return [cast("dict[str, Any]", first) | message, *messages[1:]]
    return [message, *messages]
