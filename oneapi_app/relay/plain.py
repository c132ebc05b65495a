"""The plain call, told in one go: a chat that goes to the vendor as it is, and whose answer comes back whole and counted.

Most calls are like that, and every function that is called for each of them is some of what a gateway costs
(docs/adr/0011-performance.md): so this is one function, as long as it may be. Where anything turns out otherwise ``flow``
goes on from there, before a vendor was asked or with what has come of it. What a call leaves behind is the same
either way; tests compare them.
"""

import asyncio

from oneapi_app.billing import policy
from oneapi_app.billing.errors import TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.convert.passthrough import plain_usage
from oneapi_app.kit.clock import NS_PER_MS, monotonic_ns
from oneapi_app.providers.base import ClientRequest, UpstreamRequest
from oneapi_app.relay.accounting import estimate_units
from oneapi_app.relay.attempt import MAX_ANSWER_BODY, Asked
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.flow import Begun, draw, relay_call
from oneapi_app.relay.heavy import HEAVY_BYTES
from oneapi_app.relay.lanes import Address, Lane
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.reply import Reply
from oneapi_app.relay.transport_errors import TransportError

_JSON = b"application/json"
_MOST_ADDRESSES = 16
_LONGEST_ADDRESS = 512
"""Bytes. Both bound what a lane keeps: callers may write anything into the headers that it depends on."""


async def serve(context: RelayContext, call: Call, reply: Reply, presence: Presence) -> None:
    """Serves the call or raises Refusal; afterwards the ledger owes nothing either way."""
    request, caller, ledger = call.request, call.caller, context.ledger
    lane, reservation = call.way.lane, None
    if lane is not None and not context.health.is_off(lane.channel.id):
        candidates = call.way.tiers[0]
    else:
        channel, candidates = draw(context, call)
        lane = None
        if channel is not None and not request.stream:
            lane = context.lanes.lane(caller, channel, context.snapshot.prices, request)
    if (
        lane is not None
        and lane.straight is not None
        and not request.stream
        and len(request.body) <= HEAVY_BYTES
    ):
        units = estimate_units(context, call, lane)
        try:
            reservation = ledger.reserve(caller.user_id, caller.token_id, units)
        except (UserQuotaExceeded, TokenQuotaExceeded):
            reservation = None  # ``flow`` counts exactly before it refuses
    if reservation is None or lane is None or lane.straight is None:
        await relay_call(context, call, reply, presence, candidates)
        return
    try:
        headers = request.headers
        key = (headers.get(b"content-type"), headers.get(b"accept"), request.query)
        url, sent_headers = lane.straight.get(key) or _learn(lane, request)
        upstream = UpstreamRequest("POST", url, sent_headers, request.body)
        response = body = usage = error = written = None
        elapsed_ms = 0
        began = monotonic_ns()
        presence.waiting = True
        try:
            response = await context.transport.send(upstream, context.timeouts)
            if response.status == 200:
                body = response.taken(MAX_ANSWER_BODY)
        except (TransportError, asyncio.CancelledError) as failed:
            error = failed
        presence.waiting = False
        if body is not None and len(body) < HEAVY_BYTES:
            usage = plain_usage(body)
        if usage is not None:
            prompt, completion, cached = usage
            ended = monotonic_ns()
            elapsed_ms = (ended - call.started_ns) // NS_PER_MS
            written = ledger.settle_plain(
                reservation,
                lane.head,
                policy.priced(prompt + completion * lane.completion_ratio, lane.ratio),
                prompt,
                completion,
                cached,
                elapsed_ms,
                call.request_id,
                call.created_at,
                context.snapshot.options.log_consume_enabled,
                (ended - began) // NS_PER_MS,
            )
        if written is None:
            begun = Begun(lane, reservation, began, Asked(response, body, error))
            await relay_call(context, call, reply, presence, candidates, begun)
            return
        await written
    except BaseException:
        ledger.release(reservation)  # without effect where it has ended
        raise
    context.health.succeeded(lane.channel.id)
    context.activity.note_served(elapsed_ms, 0)
    assert response is not None
    assert body is not None
    await reply.whole(200, body, response.headers.get(b"content-type") or _JSON)


def _learn(lane: Lane, request: ClientRequest) -> Address:
    """What the provider builds; all but the body is the same for callers with the same headers."""
    built = lane.provider.build(request, lane.route)
    address = (built.url, built.headers)
    known, headers = lane.straight, request.headers
    size = len(built.url) + sum(len(value) for _, value in built.headers)
    if known is not None and len(known) < _MOST_ADDRESSES and size <= _LONGEST_ADDRESS:
        known[headers.get(b"content-type"), headers.get(b"accept"), request.query] = address
    return address
