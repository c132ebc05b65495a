"""The story of one relayed request, from the chosen channels to the bill.

    plan -> reserve -> try channels until one accepts -> carry the answer -> settle -> last byte

Nothing is retried after the first byte has reached the caller, and nothing ends without the reservation
being settled or released exactly once.
"""

import asyncio
from collections.abc import Iterator

from oneapi_app.billing.errors import TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.billing.ledger import Charge, Reservation
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.convert.base import Failure
from oneapi_app.kit.clock import monotonic_ms
from oneapi_app.providers.base import Operation
from oneapi_app.relay.accounting import (
    COUNTED_BY_PROVIDER,
    counted_by_provider,
    estimate_exactly,
    estimate_units,
    measure,
    price_charge,
    roughly,
    upstream_model,
)
from oneapi_app.relay.attempt import Served, attempt
from oneapi_app.relay.call import AttemptNote, Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.heavy import HEAVY_BYTES, work_on
from oneapi_app.relay.images import check_image
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.pump import Ending, broken_off
from oneapi_app.relay.refusals import forbidden, no_channel, refusal_of, unknown_channel
from oneapi_app.relay.reply import Reply
from oneapi_app.relay.routing import RoutingTable, plan

_CLIENT_GONE = 499
"""As nginx has it."""
_ALWAYS_RETRIED = frozenset({401, 403, 404, 408, 429})


async def relay_call(context: RelayContext, call: Call, reply: Reply, presence: Presence) -> None:
    """Serves the call or raises Refusal; afterwards the ledger owes nothing either way."""
    notes: list[AttemptNote] = []
    reservation: Reservation | None = None
    failure: Failure | None = None
    request = call.request
    try:
        if len(request.body) > HEAVY_BYTES:
            call.rough_prompt_tokens = await work_on(len(request.body), lambda: roughly(request))
        for channel in _candidates(context, call):
            if request.operation is Operation.IMAGES:
                check_image(request.json or {}, upstream_model(channel, request.model))
            reservation = await _reserve(context, call, channel, reservation)
            began = monotonic_ms()
            outcome = await attempt(context, call, channel, reply, presence)
            took = int(monotonic_ms() - began)
            if isinstance(outcome, Served):
                status = _CLIENT_GONE if outcome.ending is Ending.CLIENT_GONE else 200
                notes.append(AttemptNote(channel.id, status, took, outcome.problem))
                _judge(context, call, channel, outcome)
                held, reservation = reservation, None
                try:
                    await _settle(context, call, channel, outcome, held, notes)
                except Exception:
                    context.ledger.release(held)  # without effect where it was settled after all
                    raise
                await _finish(outcome, reply)
                return
            failure = outcome
            notes.append(AttemptNote(channel.id, failure.status, took, str(failure.code or failure.type)))
            context.health.failed(call, channel, failure)
            if not _may_retry(failure):
                break
    finally:
        if reservation is not None:
            context.ledger.release(reservation)
    if failure is None:
        raise no_channel(call.caller.group, request.model)
    raise refusal_of(failure)


def _candidates(context: RelayContext, call: Call) -> Iterator[ChannelRecord]:
    """The channels to try, at most ``RetryTimes`` beyond the first; one only where the caller named it."""
    table = context.snapshot.table
    if call.pinned_channel is not None:
        yield named_channel(table, call.pinned_channel)
        return
    left = 1 + context.snapshot.options.retry_times
    caller = call.caller
    for channel in plan(table, caller.group, call.request.model, context.health.is_cooling, context.dice):
        if left == 0:
            return
        if context.health.is_off(channel.id):
            continue
        left -= 1
        yield channel


def named_channel(table: RoutingTable, channel_id: int) -> ChannelRecord:
    """The channel an admin asks for. Raises Refusal."""
    channel = table.by_id.get(channel_id)
    if channel is None:
        raise unknown_channel()
    if not channel.enabled:
        raise forbidden("该渠道已被禁用")
    return channel


async def _reserve(
    context: RelayContext, call: Call, channel: ChannelRecord, held: Reservation | None
) -> Reservation:
    """Keeps a reservation that is large enough for this channel's price, else takes a larger one.

    The first estimate errs on the high side; before anybody is refused for it, the prompt is counted exactly.
    """
    units = estimate_units(context, call, channel)
    if held is not None:
        if held.units >= units:
            return held
        context.ledger.release(held)
    caller = call.caller
    ledger = context.ledger
    try:
        return ledger.reserve(caller.user_id, caller.token_id, units)
    except (UserQuotaExceeded, TokenQuotaExceeded):
        exact = min(units, await estimate_exactly(context, call, channel))
    return await ledger.obtain(caller.user_id, caller.token_id, exact)


def _may_retry(failure: Failure) -> bool:
    """Whether another channel could do better: not where the request itself is at fault.

    What cannot be said in one vendor's dialect can be in another's, so local failures move on, too.
    """
    return failure.local or failure.status >= 500 or failure.status in _ALWAYS_RETRIED


def _judge(context: RelayContext, call: Call, channel: ChannelRecord, served: Served) -> None:
    """What an answer says about its channel; nothing where the caller or we ended it."""
    if served.ending is Ending.COMPLETE:
        context.health.succeeded(channel.id)
    elif served.ending in (Ending.UPSTREAM_BROKE, Ending.IDLE):
        context.health.failed(call, channel, broken_off(served.ending, served.problem))


async def _settle(
    context: RelayContext,
    call: Call,
    channel: ChannelRecord,
    served: Served,
    reservation: Reservation,
    notes: list[AttemptNote],
) -> None:
    """Writes the bill to the journal. A request cancelled meanwhile is billed all the same."""
    usage = counted_by_provider(served)
    if usage is not None:
        charge = price_charge(context, call, channel, served, usage, COUNTED_BY_PROVIDER, notes)
        if context.ledger.covers(reservation, charge.quota_units):
            await context.ledger.settle(reservation, charge)
            return
        work = _cover_and_settle(context, reservation, charge)
    else:
        work = _count_and_settle(context, call, channel, served, reservation, notes)
    task = asyncio.create_task(work)
    context.in_background(task)
    await asyncio.shield(task)


async def _count_and_settle(
    context: RelayContext,
    call: Call,
    channel: ChannelRecord,
    served: Served,
    reservation: Reservation,
    notes: list[AttemptNote],
) -> None:
    usage, source = await measure(context, call, channel, served)
    charge = price_charge(context, call, channel, served, usage, source, notes)
    await _cover_and_settle(context, reservation, charge)


async def _cover_and_settle(context: RelayContext, reservation: Reservation, charge: Charge) -> None:
    await context.ledger.cover(reservation, charge.quota_units)
    await context.ledger.settle(reservation, charge)


async def _finish(served: Served, reply: Reply) -> None:
    if served.ending is Ending.CLIENT_GONE:
        return
    if not served.streamed:
        await reply.whole(200, served.last, served.content_type)
        return
    if not reply.committed:
        await reply.begin_stream()
    await reply.end_stream(served.last)
