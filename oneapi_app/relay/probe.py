"""A channel's test: one short chat through the very path relayed requests take, unbilled (contract §7.8)."""

from typing import Any, cast

import msgspec

from oneapi_app.channels.schemas import ChannelRecord, ProbeResult
from oneapi_app.convert.base import Failure
from oneapi_app.errors import ConversionError, UpstreamProtocolError
from oneapi_app.kit.clock import NS_PER_MS, monotonic_ns
from oneapi_app.providers.base import ClientRequest, Dialect, Operation
from oneapi_app.providers.registry import provider_for
from oneapi_app.relay.attempt import MAX_ERROR_BODY
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.lanes import route_to
from oneapi_app.relay.transport_errors import TransportError


class RelayProbe:
    """See ``channels.schemas.Probe``."""

    def __init__(self, context: RelayContext) -> None:
        self._context = context

    async def __call__(self, record: ChannelRecord, model: str) -> ProbeResult:
        began = monotonic_ns()
        outcome = await self._ask(record, model)
        elapsed_ms = (monotonic_ns() - began) // NS_PER_MS
        if isinstance(outcome, str):
            return ProbeResult(True, outcome, elapsed_ms)
        return ProbeResult(
            False,
            outcome.message,
            elapsed_ms,
            outcome.status,
            outcome.type,
            str(outcome.code or ""),
            outcome.local,
        )

    async def _ask(self, record: ChannelRecord, model: str) -> str | Failure:
        provider = provider_for(record.type)
        if not provider.supports(Operation.CHAT):
            return _local(f"{provider.title} channels cannot be tested: they offer no chat")
        fields = {
            "model": model,
            "messages": [{"role": "user", "content": self._context.settings.test_prompt}],
        }
        request = ClientRequest(
            dialect=Dialect.OPENAI,
            operation=Operation.CHAT,
            path="/v1/chat/completions",
            query="",
            body=msgspec.json.encode(fields),
            model=model,
            stream=False,
            headers={b"content-type": b"application/json"},
        )
        settings = self._context.settings
        route = route_to(msgspec.structs.replace(record, system_prompt=""), provider, model, settings)
        try:
            upstream = provider.build(request, route)
            response = await self._context.transport.send(upstream, self._context.timeouts)
            try:
                body = await response.read(MAX_ERROR_BODY)
            finally:
                await response.aclose()
            failure = provider.classify(response.status, response.headers, body, False)
            if failure is not None:
                return failure
            answer = msgspec.json.decode(provider.converter(request, route).convert(body))
        except TransportError as error:
            return Failure(500, str(error), "one_api_error", "do_request_failed", "", None, local=True)
        except (ConversionError, UpstreamProtocolError, msgspec.DecodeError) as error:
            return _local(str(error))
        return _said(answer)


def _said(answer: Any) -> str | Failure:
    choices = cast("dict[str, Any]", answer).get("choices") if isinstance(answer, dict) else None
    try:
        content = cast("Any", choices)[0]["message"]["content"]
    except (TypeError, KeyError, IndexError):
        return _local("the answer holds no choices")
    return content if isinstance(content, str) else ""


def _local(message: str) -> Failure:
    return Failure(500, message, "one_api_error", None, "", None, local=True)
