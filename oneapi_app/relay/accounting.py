"""From a request and what came back to a bill: which formula of ``billing.policy`` applies to which operation."""

from typing import Any, Final

import msgspec

from oneapi_app.billing import policy
from oneapi_app.billing.images import DEFAULT_SIZE, IMAGE_RULES
from oneapi_app.billing.ledger import Charge
from oneapi_app.billing.prices import Price
from oneapi_app.billing.tokens import CountableText, chat_text, count_exactly, count_roughly, input_text
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.convert.hub import Usage
from oneapi_app.kit.clock import monotonic_ms
from oneapi_app.providers.base import ClientRequest, Operation
from oneapi_app.providers.registry import provider_for
from oneapi_app.relay.attempt import Served
from oneapi_app.relay.call import AttemptNote, Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.heavy import work_on
from oneapi_app.relay.pump import Ending

COUNTED_BY_PROVIDER: Final = "provider"
COUNTED_HERE: Final = "estimate"
COUNTED_PARTLY: Final = "partial"
"""The stream ended early: what was delivered until then, counted here."""

_SMALL_BODY = 4096
"""Bytes. Two of them are a token in hardly any text, and the JSON around it comes on top."""
_MEDIA = frozenset({Operation.IMAGES, Operation.SPEECH})
_HEARD = frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION})


def upstream_model(channel: ChannelRecord, model: str) -> str:
    """The model's name as the channel maps it: what is billed and logged."""
    return channel.model_mapping.get(model, model)


def estimate_units(context: RelayContext, call: Call, channel: ChannelRecord) -> int:
    """What to reserve. Media prices are known beforehand; texts are estimated on the high side."""
    request = call.request
    snapshot = context.snapshot
    price = snapshot.prices.price(upstream_model(channel, request.model), channel.type, call.caller.group)
    fixed = _fixed_units(request, channel, price)
    if fixed is not None:
        return fixed
    options = snapshot.options
    if request.operation in _HEARD:
        return policy.estimate_transcription(price, options.pre_consumed_quota)
    if call.rough_prompt_tokens is None:
        call.rough_prompt_tokens = roughly(request)
    return policy.estimate_text(
        price, call.rough_prompt_tokens, _answer_limit(request.json or {}), options.pre_consumed_quota
    )


async def estimate_exactly(context: RelayContext, call: Call, channel: ChannelRecord) -> int:
    """As ``estimate_units``, the prompt counted by the model's tokenizer: slower, and never too high."""
    if call.request.operation in _MEDIA | _HEARD:
        return estimate_units(context, call, channel)
    options = context.snapshot.options
    model = upstream_model(channel, call.request.model)
    call.rough_prompt_tokens = await count_exactly(
        await prompt_of(call.request), model, approximate=options.approximate_token_enabled
    )
    return estimate_units(context, call, channel)


def _answer_limit(fields: dict[str, Any]) -> int | None:
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    return int(limit) if isinstance(limit, (int, float)) else None


def _fixed_units(request: ClientRequest, channel: ChannelRecord, price: Price) -> int | None:
    if request.operation not in _MEDIA:
        return None
    fields = request.json or {}
    if request.operation is Operation.IMAGES:
        model = upstream_model(channel, request.model)
        weight = IMAGE_RULES.cost_ratio(
            model, fields.get("size") or DEFAULT_SIZE, fields.get("quality") or ""
        )
        return policy.image_units(price, weight, fields.get("n") or 1)
    said = fields.get("input")
    return policy.speech_units(price, len(said.encode()) if isinstance(said, str) else 0)


def roughly(request: ClientRequest) -> int:
    """Tokens of the prompt, on the high side: of a small body not even its texts are looked at."""
    size = len(request.body)
    return size // 2 if size < _SMALL_BODY else count_roughly(countable(request))


async def prompt_of(request: ClientRequest) -> CountableText:
    return await work_on(len(request.body), lambda: countable(request))


def countable(request: ClientRequest) -> CountableText:
    """What counts as the prompt."""
    fields = request.json or {}
    if request.operation is Operation.CHAT:
        return chat_text(fields.get("messages"), request.model)
    if request.operation is Operation.COMPLETIONS:
        return input_text(fields.get("prompt"))
    return input_text(fields.get("input"))


def counted_by_provider(served: Served) -> Usage | None:
    """The provider's figures, where they are there and whole. Some count the prompt only, some the answer only."""
    usage = served.usage
    if usage is None or served.ending is not Ending.COMPLETE or not usage.prompt_tokens:
        return None
    return usage if usage.output_tokens or not served.output_text else None


async def measure(
    context: RelayContext, call: Call, channel: ChannelRecord, served: Served
) -> tuple[Usage, str]:
    """Tokens and who counted them, where the provider did not, or the answer ended early."""
    request = call.request
    if request.operation in _MEDIA:
        return Usage(), COUNTED_HERE
    source = COUNTED_HERE if served.ending is Ending.COMPLETE else COUNTED_PARTLY
    approximate = context.snapshot.options.approximate_token_enabled
    model = upstream_model(channel, request.model)
    if request.operation in _HEARD:
        heard = await count_exactly(input_text(served.output_text), model, approximate=approximate)
        return Usage(input_tokens=heard), source
    usage = served.usage or Usage()
    if not usage.prompt_tokens:
        prompt = await count_exactly(await prompt_of(request), model, approximate=approximate)
        usage = msgspec.structs.replace(usage, input_tokens=prompt)
    if not usage.output_tokens:
        written = await count_exactly(CountableText((served.output_text,)), model, approximate=approximate)
        usage = msgspec.structs.replace(usage, output_tokens=written)
    return usage, source


def price_charge(
    context: RelayContext,
    call: Call,
    channel: ChannelRecord,
    served: Served,
    usage: Usage,
    source: str,
    notes: list[AttemptNote],
) -> Charge:
    """The bill and its log row."""
    request = call.request
    caller = call.caller
    model = upstream_model(channel, request.model)
    price = context.snapshot.prices.price(model, channel.type, caller.group)
    fixed = _fixed_units(request, channel, price)
    prompt_tokens = usage.prompt_tokens
    if fixed is not None:
        units, content = fixed, policy.media_log(price)
        prompt_tokens = fixed if request.operation is Operation.SPEECH else 0
    elif request.operation in _HEARD:
        units, content = policy.transcription_units(price, usage.prompt_tokens), policy.media_log(price)
    else:
        units = policy.text_units(
            price,
            usage.input_tokens,
            usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            weights=_cache_weights(channel, usage),
        )
        content = policy.text_log(price)
    elapsed_ms = int(monotonic_ms() - call.started_ms)
    first_ms = int(served.first_content_ms - call.started_ms) if served.first_content_ms else 0
    activity = context.activity
    activity.served += 1
    activity.elapsed_ms.append(elapsed_ms)
    if first_ms:
        activity.first_token_ms.append(first_ms)
    return Charge(
        quota_units=units,
        user_id=caller.user_id,
        username=caller.username,
        token_id=caller.token_id,
        token_name=caller.token_name,
        channel_id=channel.id,
        model_name=model,
        prompt_tokens=prompt_tokens,
        completion_tokens=usage.output_tokens,
        cached_tokens=usage.cache_read_tokens,
        content=content,
        is_stream=request.stream,
        elapsed_ms=elapsed_ms,
        first_token_ms=first_ms,
        system_prompt_reset=bool(channel.system_prompt) and request.operation is Operation.CHAT,
        request_id=call.request_id,
        created_at=call.created_at,
        write_log=context.snapshot.options.log_consume_enabled and not (units == 0 and fixed is not None),
        detail=_detail(served, price, source, notes),
    )


def _cache_weights(channel: ChannelRecord, usage: Usage) -> policy.CacheWeights:
    if usage.cache_read_tokens or usage.cache_write_tokens:
        return policy.cache_weights(provider_for(channel.type).dialect.value)
    return policy.FULL_PRICE


def _detail(served: Served, price: Price, source: str, notes: list[AttemptNote]) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "count_source": source,
        "ending": served.ending,
        "attempts": notes,
        "prices": price,
    }
    if not price.known:
        detail["unpriced"] = True
    if served.problem:
        detail["problem"] = served.problem
    return detail
