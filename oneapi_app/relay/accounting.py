"""From a request and what came back to a bill: which formula of ``billing.policy`` applies to which operation."""

import msgspec

from oneapi_app.billing import policy
from oneapi_app.billing.images import DEFAULT_SIZE, IMAGE_RULES
from oneapi_app.billing.ledger import Charge
from oneapi_app.billing.tokens import CountableText, chat_text, count_exactly, count_roughly, input_text
from oneapi_app.convert.hub import Usage
from oneapi_app.errors import ConversionError
from oneapi_app.kit.clock import NS_PER_MS
from oneapi_app.providers.base import ClientRequest, Operation
from oneapi_app.relay.attempt import Served
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.details import (
    COUNTED_BY_PROVIDER,
    COUNTED_HERE,
    COUNTED_PARTLY,
    AttemptNote,
    detail_of,
)
from oneapi_app.relay.heavy import work_on
from oneapi_app.relay.lanes import HEARD, MEDIA, Lane
from oneapi_app.relay.pump import Ending

_SMALL_BODY = 4096
"""Bytes. Two of them are a token in hardly any text, and the JSON around it comes on top: its texts need not be looked
at."""
_CLIENT_GONE = 499
"""As nginx has it."""
_COMPLETE = Ending.COMPLETE  # looking a member up in its enumeration costs as much as ten of these


def estimate_units(context: RelayContext, call: Call, lane: Lane) -> int:
    """What to reserve. Media prices are known beforehand; texts are estimated on the high side."""
    request = call.request
    unknown_answer = context.snapshot.options.pre_consumed_quota
    if lane.of_text:
        prompt = call.rough_prompt_tokens
        if prompt is None:
            size = len(request.body)
            if size < _SMALL_BODY:
                prompt = size // 2
            else:
                prompt = call.rough_prompt_tokens = roughly(request)
        return policy.estimate_text(lane.ratio, prompt, request.answer_limit, unknown_answer)
    if request.operation in MEDIA:
        return _fixed_units(request, lane)
    return policy.estimate_transcription(lane.price, unknown_answer)


async def estimate_exactly(context: RelayContext, call: Call, lane: Lane) -> int:
    """As ``estimate_units``, the prompt counted by the model's tokenizer: slower, and never too high."""
    if not lane.of_text:
        return estimate_units(context, call, lane)
    options = context.snapshot.options
    call.rough_prompt_tokens = await count_exactly(
        await prompt_of(call.request), lane.route.model, approximate=options.approximate_token_enabled
    )
    return estimate_units(context, call, lane)


def _fixed_units(request: ClientRequest, lane: Lane) -> int:
    fields = request.json or {}
    if request.operation is Operation.IMAGES:
        weight = IMAGE_RULES.cost_ratio(
            lane.route.model, fields.get("size") or DEFAULT_SIZE, fields.get("quality") or ""
        )
        return policy.image_units(lane.price, weight, fields.get("n") or 1)
    said = fields.get("input")
    return policy.speech_units(lane.price, len(said.encode()) if isinstance(said, str) else 0)


def roughly(request: ClientRequest) -> int:
    """Tokens of the prompt, on the high side."""
    return count_roughly(countable(request))


async def prompt_of(request: ClientRequest) -> CountableText:
    return await work_on(len(request.body), lambda: countable(request))


def countable(request: ClientRequest) -> CountableText:
    """What counts as the prompt; all of the body where that cannot be taken apart here."""
    try:
        fields = request.json or {}
    except (ConversionError, RecursionError):
        return CountableText((request.body.decode("utf-8", "replace"),))
    if request.operation is Operation.CHAT:
        return chat_text(fields.get("messages"), request.model)
    if request.operation is Operation.COMPLETIONS:
        return input_text(fields.get("prompt"))
    return input_text(fields.get("input"))


def counted_by_provider(served: Served) -> Usage | None:
    """The provider's figures, where they are there and whole. Some count the prompt only, some the answer only."""
    usage = served.usage
    if usage is None or served.ending is not _COMPLETE or not usage.prompt_tokens:
        return None
    return usage if usage.output_tokens or not served.output_text else None


async def measure(context: RelayContext, call: Call, lane: Lane, served: Served) -> tuple[Usage, str]:
    """Tokens and who counted them, where the provider did not, or the answer ended early."""
    request = call.request
    if request.operation in MEDIA:
        return Usage(), COUNTED_HERE
    source = COUNTED_HERE if served.ending is _COMPLETE else COUNTED_PARTLY
    approximate = context.snapshot.options.approximate_token_enabled
    model = lane.route.model
    if request.operation in HEARD:
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
    lane: Lane,
    served: Served,
    usage: Usage,
    source: str,
    failed: list[AttemptNote],
) -> Charge:
    """The bill and its log row. ``failed``: the attempts before this one."""
    request = call.request
    write_log = context.snapshot.options.log_consume_enabled
    if lane.of_text:
        units = _text_units(lane, usage)
        prompt_tokens = usage.prompt_tokens
    elif request.operation in MEDIA:
        units = _fixed_units(request, lane)
        prompt_tokens = units if request.operation is Operation.SPEECH else 0
        write_log = write_log and units != 0
    else:
        prompt_tokens = usage.prompt_tokens
        units = policy.transcription_units(lane.price, prompt_tokens)
    elapsed_ms = (served.ended_ns - call.started_ns) // NS_PER_MS
    first_ms = (served.first_content_ns - call.started_ns) // NS_PER_MS if served.first_content_ns else 0
    context.activity.note_served(elapsed_ms, first_ms)
    took_ms = (served.ended_ns - served.began_ns) // NS_PER_MS
    if source is COUNTED_BY_PROVIDER and not failed and not served.problem:
        detail = None
    else:
        status = _CLIENT_GONE if served.ending is Ending.CLIENT_GONE else 200
        attempts = [*failed, AttemptNote(lane.channel.id, status, took_ms, served.problem)]
        priced = lane.price.known
        detail = detail_of(
            source, served.ending, attempts, lane.prices, priced=priced, problem=served.problem
        )
    return Charge(
        lane.head,
        units,
        prompt_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        request.stream,
        elapsed_ms,
        first_ms,
        call.request_id,
        call.created_at,
        write_log,
        took_ms,
        detail,
    )


def _text_units(lane: Lane, usage: Usage) -> int:
    if not (usage.cache_read_tokens or usage.cache_write_tokens):
        return policy.text_units(lane.price, usage.input_tokens, usage.output_tokens)
    return policy.text_units(
        lane.price,
        usage.input_tokens,
        usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        weights=policy.cache_weights(lane.provider.dialect.value),
    )
