"""The story of one relayed request, from the chosen channels to the bill.

    plan -> reserve -> try channels until one accepts -> carry the answer -> settle -> last byte

Nothing is retried after the first byte has reached the caller, and nothing ends without the reservation
being settled or released exactly once.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from itertools import chain, islice

import msgspec

from oneapi_app.billing.errors import TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.billing.ledger import Charge, Reservation
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.convert.base import Failure
from oneapi_app.kit.clock import NS_PER_MS, monotonic_ns
from oneapi_app.providers.base import Operation
from oneapi_app.relay.accounting import (
    counted_by_provider,
    estimate_exactly,
    estimate_units,
    measure,
    price_charge,
    roughly,
)
from oneapi_app.relay.attempt import Asked, Served, attempt, take
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.details import COUNTED_BY_PROVIDER, AttemptNote
from oneapi_app.relay.heavy import HEAVY_BYTES, work_on
from oneapi_app.relay.images import check_image
from oneapi_app.relay.lanes import Lane
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.pump import Ending, broken_off
from oneapi_app.relay.refusals import forbidden, no_channel, refusal_of, unknown_channel
from oneapi_app.relay.reply import Reply
from oneapi_app.relay.routing import RoutingTable, only_channel, plan

_COMPLETE = Ending.COMPLETE  # looking a member up in its enumeration costs as much as ten of these
_IMAGES = Operation.IMAGES
_BROKEN_OFF = frozenset({Ending.UPSTREAM_BROKE, Ending.IDLE})
"""Endings that say something about the channel."""
_ALWAYS_RETRIED = frozenset({401, 403, 404, 408, 429})


class Begun(msgspec.Struct):
    """A call whose first channel has been asked: what is reserved for it, since when, and what has come of it."""

    lane: Lane
    reservation: Reservation
    began_ns: int
    asked: Asked


async def relay_call(
    context: RelayContext,
    call: Call,
    reply: Reply,
    presence: Presence,
    candidates: Iterable[ChannelRecord],
    begun: Begun | None = None,
) -> None:
    """Serves the call or raises Refusal; afterwards the ledger owes nothing either way.

    ``candidates``: the channels to try, in order; with ``begun``, that one first.
    """
    failed: list[AttemptNote] = []
    reservation = begun.reservation if begun is not None else None
    failure: Failure | None = None
    request, caller, ledger = call.request, call.caller, context.ledger
    prices = context.snapshot.prices
    try:
        if len(request.body) > HEAVY_BYTES:
            call.rough_prompt_tokens = await work_on(len(request.body), lambda: roughly(request))
        for channel in candidates:
            if begun is not None:
                lane, began = begun.lane, begun.began_ns
                outcome = await take(context, call, lane, begun.asked, reply, presence)
                begun = None
            else:
                lane = context.lanes.lane(caller, channel, prices, request)
                if request.operation is _IMAGES:
                    check_image(request.json or {}, lane.route.model)
                # Kept where it is large enough for this channel's price.
                units = estimate_units(context, call, lane)
                if reservation is None or reservation.units < units:
                    if reservation is not None:
                        ledger.release(reservation)
                        reservation = None
                    try:
                        reservation = ledger.reserve(caller.user_id, caller.token_id, units)
                    except (UserQuotaExceeded, TokenQuotaExceeded):
                        reservation = await _obtain(context, call, lane, units)
                began = monotonic_ns()
                outcome = await attempt(context, call, lane, reply, presence)
            ended = monotonic_ns()
            if isinstance(outcome, Served):
                outcome.began_ns, outcome.ended_ns = began, ended
                if outcome.ending is _COMPLETE:
                    context.health.succeeded(channel.id)
                elif outcome.ending in _BROKEN_OFF:
                    context.health.failed(call, channel, broken_off(outcome.ending, outcome.problem))
                assert reservation is not None
                held, reservation = reservation, None
                try:
                    await _settle(context, call, lane, outcome, held, failed)
                except Exception:
                    ledger.release(held)  # without effect where it was settled after all
                    raise
                if outcome.streamed:
                    await _end_stream(outcome, reply)
                elif outcome.ending is _COMPLETE:
                    await reply.whole(200, outcome.last, outcome.content_type)
                return
            failure = outcome
            reason = str(failure.code or failure.type)
            failed.append(AttemptNote(channel.id, failure.status, (ended - began) // NS_PER_MS, reason))
            context.health.failed(call, channel, failure)
            if not _may_retry(failure):
                break
    finally:
        if reservation is not None:
            ledger.release(reservation)
    if failure is None:
        raise no_channel(caller.group, request.model)
    raise refusal_of(failure)


def draw(context: RelayContext, call: Call) -> tuple[ChannelRecord | None, Iterable[ChannelRecord]]:
    """The first channel to try, and all of them with it, at most ``RetryTimes`` more. Drawn once a call: whoever draws again
    where the first one does not suit him, favours those that do.
    """
    tiers, health = call.way.tiers, context.health
    if (only := only_channel(tiers)) is not None:
        return (None, ()) if health.is_off(only.id) else (only, tiers[0])
    ready = (c for c in plan(tiers, health.is_cooling, context.dice) if not health.is_off(c.id))
    drawn = islice(ready, 1 + context.snapshot.options.retry_times)
    first = next(drawn, None)
    return first, drawn if first is None else chain((first,), drawn)


def named_channel(table: RoutingTable, channel_id: int) -> ChannelRecord:
    """The channel an admin asks for. Raises Refusal."""
    channel = table.by_id.get(channel_id)
    if channel is None:
        raise unknown_channel()
    if not channel.enabled:
        raise forbidden("该渠道已被禁用")
    return channel


async def _obtain(context: RelayContext, call: Call, lane: Lane, units: int) -> Reservation:
    """Before anybody is refused for an estimate, the prompt is counted exactly."""
    caller = call.caller
    exact = min(units, await estimate_exactly(context, call, lane))
    return await context.ledger.obtain(caller.user_id, caller.token_id, exact)


def _may_retry(failure: Failure) -> bool:
    """Whether another channel could do better: not where the request itself is at fault.

    What cannot be said in one vendor's dialect can be in another's, so local failures move on, too.
    """
    return failure.local or failure.status >= 500 or failure.status in _ALWAYS_RETRIED


def _settle(
    context: RelayContext,
    call: Call,
    lane: Lane,
    served: Served,
    reservation: Reservation,
    failed: list[AttemptNote],
) -> Awaitable[None]:
    """Writes the bill to the journal. A request cancelled meanwhile is billed all the same."""
    usage = counted_by_provider(served)
    if usage is not None:
        charge = price_charge(context, call, lane, served, usage, COUNTED_BY_PROVIDER, failed)
        if context.ledger.covers(reservation, charge.quota_units):
            return context.ledger.settle(reservation, charge)
        work = _cover_and_settle(context, reservation, charge)
    else:
        work = _count_and_settle(context, call, lane, served, reservation, failed)
    task = asyncio.create_task(work)
    context.in_background(task)
    return asyncio.shield(task)


async def _count_and_settle(
    context: RelayContext,
    call: Call,
    lane: Lane,
    served: Served,
    reservation: Reservation,
    failed: list[AttemptNote],
) -> None:
    usage, source = await measure(context, call, lane, served)
    charge = price_charge(context, call, lane, served, usage, source, failed)
    await _cover_and_settle(context, reservation, charge)


async def _cover_and_settle(context: RelayContext, reservation: Reservation, charge: Charge) -> None:
    await context.ledger.cover(reservation, charge.quota_units)
    await context.ledger.settle(reservation, charge)


async def _end_stream(served: Served, reply: Reply) -> None:
    if served.ending is Ending.CLIENT_GONE:
        return
    if not reply.committed:
        await reply.begin_stream()
    await reply.end_stream(served.last)
