"""The story of one relayed request, from the chosen channels to the bill.

    plan -> reserve -> try channels until one accepts -> carry the answer -> settle -> last byte

Nothing is retried after the first byte has reached the caller, and nothing ends without the reservation
being settled or released exactly once.
"""

import asyncio
from collections.abc import Iterator

from oneapi_app.billing.errors import TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.billing.ledger import Reservation
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.kit.clock import monotonic_ms
from oneapi_app.providers.base import Failure
from oneapi_app.relay.accounting import (
    COUNTED_BY_PROVIDER,
    estimate_exactly,
    estimate_units,
    measure,
    price_charge,
)
from oneapi_app.relay.attempt import Served, attempt
from oneapi_app.relay.call import AttemptNote, Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.pump import Ending
from oneapi_app.relay.refusals import Refusal, forbidden, no_channel, refusal_of
from oneapi_app.relay.reply import Presence, Reply
from oneapi_app.relay.routing import plan

_ALWAYS_RETRIED = frozenset({401, 403, 404, 408, 429})


async def relay_call(context: RelayContext, call: Call, reply: Reply, presence: Presence) -> None:
    """Serves the call or raises Refusal; afterwards the ledger owes nothing either way."""
    notes: list[AttemptNote] = []
    reservation: Reservation | None = None
    failure: Failure | None = None
    try:
        for channel in _candidates(context, call):
            reservation = await _reserve(context, call, channel, reservation)
            began = monotonic_ms()
            outcome = await attempt(context, call, channel, reply, presence)
            took = int(monotonic_ms() - began)
            if isinstance(outcome, Served):
                notes.append(AttemptNote(channel.id, 200, took))
                context.health.succeeded(channel.id)
                held, reservation = reservation, None
                await _settle(context, call, channel, outcome, held, notes)
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
        raise no_channel(call.caller.group, call.request.model)
    raise refusal_of(failure)


def _candidates(context: RelayContext, call: Call) -> Iterator[ChannelRecord]:
    """The channels to try, at most ``RetryTimes`` beyond the first; one only where the caller named it."""
    table = context.snapshot.table
    if call.pinned_channel is not None:
        channel = table.by_id.get(call.pinned_channel)
        if channel is None:
            raise Refusal(400, "无效的渠道 Id", with_code=False)
        if not channel.enabled:
            raise forbidden("该渠道已被禁用")
        yield channel
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
    try:
        return context.ledger.reserve(caller.user_id, caller.token_id, units)
    except (UserQuotaExceeded, TokenQuotaExceeded):
        exact = await estimate_exactly(context, call, channel)
        if exact >= units:
            raise
    return context.ledger.reserve(caller.user_id, caller.token_id, exact)


def _may_retry(failure: Failure) -> bool:
    """Whether another channel could do better: not where the request itself is at fault."""
    return failure.status >= 500 or failure.status in _ALWAYS_RETRIED


async def _settle(
    context: RelayContext,
    call: Call,
    channel: ChannelRecord,
    served: Served,
    reservation: Reservation,
    notes: list[AttemptNote],
) -> None:
    """Writes the bill to the journal. A request cancelled meanwhile is billed all the same."""
    if served.usage is not None and served.ending is Ending.COMPLETE:
        charge = price_charge(context, call, channel, served, served.usage, COUNTED_BY_PROVIDER, notes)
        await context.ledger.settle(reservation, charge)
        return
    work = asyncio.create_task(_count_and_settle(context, call, channel, served, reservation, notes))
    context.in_background(work)
    await asyncio.shield(work)


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
    await context.ledger.settle(reservation, charge)


async def _finish(served: Served, reply: Reply) -> None:
    if not served.streamed:
        if served.last:
            await reply.whole(200, served.last, served.content_type)
        return
    if not reply.committed:
        await reply.begin_stream()
    await reply.end_stream(served.last)
