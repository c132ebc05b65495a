"""One try of one channel: build, send, classify, and on acceptance carry the answer."""

import asyncio
import dataclasses

import msgspec

from oneapi_app.convert.base import Converter, Failure
from oneapi_app.convert.hub import Usage
from oneapi_app.errors import ConversionError, UpstreamProtocolError
from oneapi_app.providers.base import ClientRequest, UpstreamRequest
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.heavy import HEAVY_BYTES
from oneapi_app.relay.lanes import Lane
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.pump import TOO_DEEP, Ending, pump
from oneapi_app.relay.reply import ClientGone, Reply
from oneapi_app.relay.transport import UpstreamResponse
from oneapi_app.relay.transport_errors import (
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    TotalTimeout,
    TransportError,
)

MAX_ERROR_BODY = 1 << 20
MAX_ANSWER_BODY = 256 << 20
"""Largest unary answer; embeddings of a big batch reach tens of megabytes."""

_JSON = b"application/json"
_COMPLETE = Ending.COMPLETE  # looking a member up in its enumeration costs as much as ten of these
_TIMEOUTS = (ConnectTimeout, FirstByteTimeout, IdleTimeout, TotalTimeout)


class Served(msgspec.Struct, gc=False):
    """An accepted attempt. ``last`` is what the caller still has to get, after the bill is safe."""

    usage: Usage | None
    output_text: str
    ending: Ending
    streamed: bool
    last: bytes
    content_type: bytes = b"application/json"
    first_content_ns: int | None = None
    problem: str = ""
    began_ns: int = 0
    ended_ns: int = 0
    """Both on the monotonic clock."""


class Asked(msgspec.Struct):
    """What has come of asking a provider: an answer, perhaps with its whole body, or an error."""

    response: UpstreamResponse | None = None
    body: bytes | None = None
    error: TransportError | asyncio.CancelledError | None = None


async def attempt(
    context: RelayContext, call: Call, lane: Lane, reply: Reply, presence: Presence
) -> Served | Failure:
    """A Failure means nothing has reached the caller and another channel may be tried.

    Raises ClientGone where nothing has been asked of the provider yet.
    """
    request, provider, route = call.request, lane.provider, lane.route
    if not provider.supports(request.operation):
        return _local(
            501, f"{provider.title} channels do not offer {request.operation.value}", "invalid_api_type"
        )
    try:
        if links := provider.remote_media(request):
            request.media = await presence.during(context.media.fetch(links))
        if len(request.body) < HEAVY_BYTES:
            upstream = provider.build(request, route)
        else:
            upstream = await presence.during(asyncio.to_thread(provider.build, request, route))
    except ConversionError as error:
        return _local(400, str(error), "convert_request_failed")
    except RecursionError:
        return _local(400, "the request is nested too deeply", "convert_request_failed")
    if presence.gone:
        raise ClientGone
    return await take(context, call, lane, await ask(context, upstream, presence), reply, presence)


async def ask(context: RelayContext, upstream: UpstreamRequest, presence: Presence) -> Asked:
    """A request, and its answer's head. A cancellation is an outcome like others: ``take`` says what it means."""
    presence.waiting = True
    try:
        return Asked(await context.transport.send(upstream, context.timeouts))
    except (TransportError, asyncio.CancelledError) as error:
        return Asked(error=error)
    finally:
        presence.waiting = False


async def take(
    context: RelayContext, call: Call, lane: Lane, asked: Asked, reply: Reply, presence: Presence
) -> Served | Failure:
    """The answer to what was asked. See ``attempt``."""
    request, provider, response, body = call.request, lane.provider, asked.response, asked.body
    try:
        if asked.error is not None:
            raise asked.error
        assert response is not None
        accepted = 200 <= response.status < 300
        if request.stream and accepted and not _kind(response).lower().startswith(_JSON):
            outcome = await _carry_stream(context, request, lane, response, reply, presence)
        else:
            limit = MAX_ANSWER_BODY if accepted else MAX_ERROR_BODY
            if body is None:
                body = response.taken(limit)
            if body is None:
                body = await presence.during(response.read(limit))
            outcome = provider.classify(response.status, response.headers, body, request.stream)
            if outcome is None and len(body) < HEAVY_BYTES:
                outcome = _convert(request, lane, response, body)
            elif outcome is None:
                outcome = await asyncio.to_thread(_convert, request, lane, response, body)
    except ClientGone:
        return _gone()
    except TransportError as error:
        return _transport_failure(error)
    except asyncio.CancelledError:
        if asked.error is not None and presence.undo_cancellation():
            return _gone()
        raise
    finally:
        if response is not None and not response.complete:
            await response.aclose()
    return outcome if isinstance(outcome, Served) else _presentable(outcome, lane.route.key)


def _presentable(failure: Failure, key: str) -> Failure:
    """Fit to be told: a status that is an error, and without the channel's key, which some vendors repeat."""
    if not 400 <= failure.status < 600:
        failure = dataclasses.replace(failure, status=502)
    if key and key in failure.message:
        failure = dataclasses.replace(failure, message=failure.message.replace(key, "***"))
    return failure


def _convert(request: ClientRequest, lane: Lane, response: UpstreamResponse, body: bytes) -> Served | Failure:
    converter = lane.provider.converter(request, lane.route)
    try:
        answer = converter.convert(body)
    except UpstreamProtocolError as error:
        return _local(500, str(error), "unmarshal_response_body_failed")
    except RecursionError:
        return _local(500, TOO_DEEP, "unmarshal_response_body_failed")
    if converter.failure is not None:
        return converter.failure
    return Served(
        converter.usage,
        _text_to_count(converter),
        _COMPLETE,
        False,
        answer,
        converter.content_type or _kind(response) or _JSON,
    )


async def _carry_stream(
    context: RelayContext,
    request: ClientRequest,
    lane: Lane,
    response: UpstreamResponse,
    reply: Reply,
    presence: Presence,
) -> Served | Failure:
    converter = lane.provider.converter(request, lane.route)
    outcome = await pump(
        response, converter, reply, presence, context.settings.first_content_timeout_s or None
    )
    if isinstance(outcome, Failure):
        return outcome
    if converter.cut and outcome.ending is _COMPLETE:
        outcome.ending = Ending.UPSTREAM_BROKE
    return Served(
        converter.usage,
        _text_to_count(converter),
        outcome.ending,
        True,
        outcome.last_frames,
        first_content_ns=outcome.first_content_ns,
        problem=outcome.problem,
    )


def _kind(response: UpstreamResponse) -> bytes:
    return response.headers.get(b"content-type", b"")


def _text_to_count(converter: Converter) -> str:
    """The answer, where the provider has not counted it."""
    return "" if converter.usage is not None and converter.usage.output_tokens else converter.output_text()


def _gone() -> Served:
    """The caller left before anything could be delivered, but the provider had been asked."""
    return Served(None, "", Ending.CLIENT_GONE, False, b"")


def _local(status: int, message: str, code: str) -> Failure:
    return Failure(status, message, "one_api_error", code, "", None, local=True)


def _transport_failure(error: TransportError) -> Failure:
    status = 504 if isinstance(error, _TIMEOUTS) else 500
    return Failure(status, str(error), "one_api_error", "do_request_failed", "", None)
