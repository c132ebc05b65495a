"""Google's Gemini API. https://ai.google.dev/api"""

from typing import Any, cast
from urllib.parse import quote

import msgspec

from oneapi_app.convert.base import Converter
from oneapi_app.convert.failures import classify_openai
from oneapi_app.providers.base import (
    ClientRequest,
    ConfigField,
    Dialect,
    Failure,
    Headers,
    Operation,
    Provider,
    Route,
    UpstreamRequest,
)
from oneapi_app.providers.embeddings import EmbeddingConverter, embedding_request
from oneapi_app.providers.translation import chat_links, neutral_request, new_call_ids, translation
from oneapi_app.wire.gemini.embeddings import read_embeddings, write_embeddings
from oneapi_app.wire.gemini.read_answer import GeminiReader
from oneapi_app.wire.gemini.write_request import write_request

_STABLE, _CURRENT = "v1", "v1beta"
_OF_THE_FIRST_DAYS = ("gemini-1.0-", "gemini-pro")
_BAD_KEY = "API_KEY_INVALID"
DEFAULT_SAFETY = "BLOCK_NONE"


def _api_version(route: Route) -> str:
    """The channel's; else the process-wide one, except that ``v1`` cannot take tools, system instructions and
    schemas, so it only serves the models that knew none of them."""
    configured = route.config.get("api_version")
    if configured:
        return configured
    everywhere = route.config.get("gemini_version") or _STABLE
    if everywhere != _STABLE or route.model.startswith(_OF_THE_FIRST_DAYS):
        return everywhere
    return _CURRENT


def _build(provider: Provider, request: ClientRequest, route: Route) -> UpstreamRequest:
    version = _api_version(route)
    action = provider.endpoints[request.operation]
    if request.operation is Operation.EMBEDDINGS:
        body = write_embeddings(embedding_request(request), route.model)
    else:
        safety = route.config.get("gemini_safety") or DEFAULT_SAFETY
        body = write_request(neutral_request(request, route), api_version=version, safety=safety)
        if request.stream:
            action = "streamGenerateContent?alt=sse"
    url = f"{route.base_url.rstrip('/')}/{version}/models/{quote(route.model, safe='/:@')}:{action}"
    headers = (
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if request.stream else b"application/json"),
        (b"x-goog-api-key", route.key.encode()),
    )
    return UpstreamRequest("POST", url, headers, msgspec.json.encode(body))


def _converter(_provider: Provider, request: ClientRequest, _route: Route) -> Converter:
    if request.operation is Operation.EMBEDDINGS:
        return EmbeddingConverter(request, read_embeddings)
    return translation(request, GeminiReader(new_call_ids()))


def _classify(status: int, headers: Headers, body: bytes, streaming: bool) -> Failure | None:
    """Google says 400 for a wrong key, which is 401 everywhere else, and hides the time to wait in the body."""
    error = _error_object(body)
    if error is None:
        return classify_openai(status, headers, body, streaming)
    failure = classify_openai(status, headers, msgspec.json.encode({"error": error}), streaming)
    if failure is None:
        return None
    reason, wait_s = _details(error)
    return Failure(
        401 if reason == _BAD_KEY else failure.status,
        failure.message,
        str(error.get("status") or failure.type),
        reason or failure.code,
        failure.param,
        failure.retry_after_s if failure.retry_after_s is not None else wait_s,
    )


def _error_object(body: bytes) -> dict[str, Any] | None:
    """Also out of the list Google sends where a stream was asked for."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(decoded, list) and decoded:
        decoded = cast("list[Any]", decoded)[0]
    error = cast("dict[str, Any]", decoded).get("error") if isinstance(decoded, dict) else None
    return cast("dict[str, Any]", error) if isinstance(error, dict) else None


def _details(error: dict[str, Any]) -> tuple[str, float | None]:
    """(reason, seconds to wait) of google.rpc.ErrorInfo and google.rpc.RetryInfo."""
    reason = ""
    wait_s: float | None = None
    listed = error.get("details")
    for detail in cast("list[Any]", listed) if isinstance(listed, list) else []:
        if not isinstance(detail, dict):
            continue
        fields = cast("dict[str, Any]", detail)
        reason = str(fields.get("reason") or reason)
        delay = fields.get("retryDelay")
        if isinstance(delay, str) and delay.removesuffix("s").replace(".", "", 1).isdecimal():
            wait_s = float(delay.removesuffix("s"))
    return reason, wait_s


PROVIDER = Provider(
    id=24,
    slug="gemini",
    title="Gemini",
    base_url="https://generativelanguage.googleapis.com",
    dialect=Dialect.GEMINI,
    endpoints={Operation.CHAT: "generateContent", Operation.EMBEDDINGS: "batchEmbedContents"},
    builder=_build,
    make_converter=_converter,
    classifier=_classify,
    media_links=chat_links,
    docs_url="https://ai.google.dev/api",
    owned_by="google gemini",
    key_format="Google API key (x-goog-api-key)",
    config_fields=(ConfigField("api_version"),),
    legacy_other="api_version",
    wants_process_config=True,
)
