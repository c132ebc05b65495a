"""One try of one channel: build, send, classify, and on acceptance carry the answer."""

import asyncio
import dataclasses

import msgspec

from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.convert.base import Converter, Failure
from oneapi_app.convert.hub import Usage
from oneapi_app.errors import ConversionError, UpstreamProtocolError
from oneapi_app.providers.base import Provider, Route
from oneapi_app.providers.registry import provider_for
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.heavy import HEAVY_BYTES
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

_TIMEOUTS = (ConnectTimeout, FirstByteTimeout, IdleTimeout, TotalTimeout)


class Served(msgspec.Struct):
    """An accepted attempt. ``last`` is what the caller still has to get, after the bill is safe."""

    usage: Usage | None
    output_text: str
    ending: Ending
    streamed: bool
    last: bytes
    content_type: bytes = b"application/json"
    first_content_ms: float | None = None
    problem: str = ""


def route_to(channel: ChannelRecord, provider: Provider, model: str, context: RelayContext) -> Route:
    """What the provider sees of the channel; the model's name as the channel maps it."""
    config = channel.config
    if channel.other and provider.legacy_other and not config.get(provider.legacy_other):
        config = {**config, provider.legacy_other: channel.other}
    if provider.wants_process_config:
        settings = context.settings
        config = {
            "gemini_safety": settings.gemini_safety,
            "gemini_version": settings.gemini_version,
            **config,
        }
    return Route(
        channel_id=channel.id,
        channel_type=channel.type,
        base_url=channel.base_url or provider.base_url,
        key=channel.key,
        config=config,
        model=channel.model_mapping.get(model, model),
        system_prompt=channel.system_prompt or None,
    )


async def attempt(
    context: RelayContext, call: Call, channel: ChannelRecord, reply: Reply, presence: Presence
) -> Served | Failure:
    """A Failure means nothing has reached the caller and another channel may be tried.

    Raises ClientGone where nothing has been asked of the provider yet.
    """
    request = call.request
    provider = provider_for(channel.type)
    if not provider.supports(request.operation):
        return _local(
            501, f"{provider.title} channels do not offer {request.operation.value}", "invalid_api_type"
        )
    route = route_to(channel, provider, request.model, context)
    try:
        links = provider.remote_media(request)
        if links:
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
    try:
        response = await presence.during(context.transport.send(upstream, context.timeouts))
    except ClientGone:
        return _gone()
    except TransportError as error:
        return _transport_failure(error)
    try:
        outcome = await _carry(context, call, provider, route, response, reply, presence)
    except ClientGone:
        return _gone()
    except TransportError as error:
        return _transport_failure(error)
    finally:
        await response.aclose()
    return outcome if isinstance(outcome, Served) else _presentable(outcome, channel.key)


def _presentable(failure: Failure, key: str) -> Failure:
    """Fit to be told: a status that is an error, and without the channel's key, which some vendors repeat."""
    if not 400 <= failure.status < 600:
        failure = dataclasses.replace(failure, status=502)
    if key and key in failure.message:
        failure = dataclasses.replace(failure, message=failure.message.replace(key, "***"))
    return failure


async def _carry(
    context: RelayContext,
    call: Call,
    provider: Provider,
    route: Route,
    response: UpstreamResponse,
    reply: Reply,
    presence: Presence,
) -> Served | Failure:
    request = call.request
    accepted = 200 <= response.status < 300
    kind = response.header(b"content-type") or b""
    if accepted and request.stream and not kind.lower().startswith(b"application/json"):
        converter = provider.converter(request, route)
        outcome = await pump(
            response, converter, reply, presence, context.settings.first_content_timeout_s or None
        )
        if isinstance(outcome, Failure):
            return outcome
        if converter.cut and outcome.ending is Ending.COMPLETE:
            outcome.ending = Ending.UPSTREAM_BROKE
        return Served(
            converter.usage,
            _text_to_count(converter),
            outcome.ending,
            True,
            outcome.last_frames,
            first_content_ms=outcome.first_content_ms,
            problem=outcome.problem,
        )
    body = await presence.during(response.read(MAX_ANSWER_BODY if accepted else MAX_ERROR_BODY))
    failure = provider.classify(response.status, response.headers, body, request.stream)
    if failure is not None:
        return failure
    converter = provider.converter(request, route)
    try:
        light = len(body) < HEAVY_BYTES
        answer = converter.convert(body) if light else await asyncio.to_thread(converter.convert, body)
    except UpstreamProtocolError as error:
        return _local(500, str(error), "unmarshal_response_body_failed")
    except RecursionError:
        return _local(500, TOO_DEEP, "unmarshal_response_body_failed")
    if converter.failure is not None:
        return converter.failure
    return Served(
        converter.usage,
        _text_to_count(converter),
        Ending.COMPLETE,
        False,
        answer,
        converter.content_type or kind or b"application/json",
    )


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
