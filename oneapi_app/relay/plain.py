"""The plain call, told in one go: a chat that goes to the vendor as it is, and whose answer comes back whole and counted.

Most calls are like that, and each step of ``flow`` costs some of what a gateway may cost. Where anything turns out
otherwise ``flow`` goes on from there: before a vendor was asked, or with what has come of it. The rules are the same
functions either way.
"""

from oneapi_app.billing.errors import TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.convert.hub import Usage
from oneapi_app.convert.passthrough import usage_of
from oneapi_app.kit.clock import monotonic_ms
from oneapi_app.providers.base import ClientRequest, UpstreamRequest
from oneapi_app.relay.accounting import estimate_units, plain_charge
from oneapi_app.relay.attempt import MAX_ANSWER_BODY, Asked, ask
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.flow import Begun, candidates_of, relay_call
from oneapi_app.relay.heavy import HEAVY_BYTES
from oneapi_app.relay.lanes import Lane
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.reply import Reply
from oneapi_app.relay.transport_errors import BodyTooLarge

_JSON = b"application/json"
_MOST_ADDRESSES = 16
"""Kept in a lane: callers may write anything into the headers that they depend on."""


async def serve(context: RelayContext, call: Call, reply: Reply, presence: Presence) -> None:
    """Serves the call or raises Refusal; afterwards the ledger owes nothing either way."""
    begun = _begin(context, call)
    if begun is None:
        await relay_call(context, call, reply, presence)
        return
    try:
        begun.asked = asked = await ask(context, _upstream(begun.lane, call.request), presence)
        ended_ms = monotonic_ms()
        usage = _plain_usage(begun.lane, asked)
        if usage is not None:
            charge = plain_charge(context, call, begun.lane, usage, begun.began_ms, ended_ms)
            written = context.ledger.settle_whole(begun.reservation, charge)
            if written is not None:
                context.activity.note_served(charge.elapsed_ms, 0)
                await written
    except BaseException:
        context.ledger.release(begun.reservation)  # without effect where it was settled after all
        raise
    if begun.reservation.open:
        await relay_call(context, call, reply, presence, begun)
        return
    context.health.succeeded(begun.lane.channel.id)
    assert asked.response is not None
    assert asked.body is not None
    await reply.whole(200, asked.body, asked.response.headers.get(b"content-type") or _JSON)


def _begin(context: RelayContext, call: Call) -> Begun | None:
    """None where the call is not plain, or where its reservation needs a closer look."""
    request, caller = call.request, call.caller
    if request.stream or len(request.body) > HEAVY_BYTES:
        return None
    candidates = iter(candidates_of(context, call))
    channel = next(candidates, None)
    if channel is None:
        return None
    lane = context.lanes.lane(caller, channel, context.snapshot.prices, request)
    if lane.straight is None:
        return None
    units = estimate_units(context, call, lane)
    try:
        reservation = context.ledger.reserve(caller.user_id, caller.token_id, units)
    except (UserQuotaExceeded, TokenQuotaExceeded):
        return None
    return Begun(lane, reservation, monotonic_ms(), candidates)


def _upstream(lane: Lane, request: ClientRequest) -> UpstreamRequest:
    """What the provider builds; all but the body is the same for callers with the same headers."""
    addresses = lane.straight
    assert addresses is not None
    headers = request.headers
    key = (headers.get(b"content-type"), headers.get(b"accept"), request.query)
    address = addresses.get(key)
    if address is None:
        built = lane.provider.build(request, lane.route)
        address = (built.url, built.headers)
        if len(addresses) < _MOST_ADDRESSES:
            addresses[key] = address
    return UpstreamRequest("POST", *address, request.body)


def _plain_usage(lane: Lane, asked: Asked) -> Usage | None:
    """What the provider has counted, and the answer's body into ``asked``; None where somebody has to look closer."""
    response = asked.response
    if response is None or response.status != 200:
        return None
    try:
        body = asked.body = response.taken(MAX_ANSWER_BODY)
    except BodyTooLarge:
        return None
    if body is None or len(body) >= HEAVY_BYTES:
        return None
    if lane.provider.classify(200, response.headers, body, False) is not None:
        return None
    usage = usage_of(body)
    return usage if usage is not None and usage.prompt_tokens and usage.output_tokens else None
