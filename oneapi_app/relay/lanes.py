"""What is the same for every call of one token with one model over one channel, worked out once.

A lane is good as long as what it was made from is still what is in force: the caller's record, the channel, the prices.
"""

import msgspec

from oneapi_app.billing import policy
from oneapi_app.billing.charge import ChargeHead
from oneapi_app.billing.prices import Price, PriceTable
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.providers.base import ClientRequest, Operation, Provider, Route
from oneapi_app.providers.registry import provider_for
from oneapi_app.relay.details import usual_detail
from oneapi_app.relay.routing import RoutingTable, Tiers
from oneapi_app.settings import Settings
from oneapi_app.tokens.schemas import CallerRecord

MEDIA = frozenset({Operation.IMAGES, Operation.SPEECH})
"""Billed by what is asked for, whatever the answer."""
HEARD = frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION})
_MOST = 20_000
"""Lanes kept, some 20 MB; beyond, all are made anew as they are needed."""


Address = tuple[str, tuple[tuple[bytes, bytes], ...]]
"""A URL, and the headers of the request to it."""
Addresses = dict[tuple[bytes | None, bytes | None, str], Address]
"""By the caller's Content-Type, Accept and query."""


class Lane(msgspec.Struct):
    """``ratio``: quota units per prompt token; a token of the answer costs ``completion_ratio`` times as much. ``of_text``:
    billed by the tokens of both sides. ``head`` is of the bills, ``prices`` of their details, as JSON. ``straight``:
    where to, if bodies go through as they are.
    """

    caller: CallerRecord
    channel: ChannelRecord
    table: PriceTable
    provider: Provider
    route: Route
    price: Price
    ratio: float
    completion_ratio: float
    of_text: bool
    head: ChargeHead
    prices: msgspec.Raw
    straight: Addresses | None


class Way(msgspec.Struct):
    """Where a call may go, as long as ``table`` and ``prices`` are in force: to the channel that the caller named, or all of
    his group that offer the model. ``lane``: of a chat that only one channel may serve.
    """

    table: RoutingTable
    prices: PriceTable
    tiers: Tiers
    lane: Lane | None = None


class Lanes:
    """One per process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[tuple[int, int, str, Operation], Lane] = {}

    def lane(
        self, caller: CallerRecord, channel: ChannelRecord, table: PriceTable, request: ClientRequest
    ) -> Lane:
        """``table``: today's prices."""
        key = (caller.token_id, channel.id, request.model, request.operation)
        lane = self._known.get(key)
        if (
            lane is None
            or lane.caller is not caller
            or lane.channel is not channel
            or lane.table is not table
        ):
            if len(self._known) >= _MOST:
                self._known.clear()
            lane = self._known[key] = self._make(caller, channel, table, request)
        return lane

    def _make(
        self, caller: CallerRecord, channel: ChannelRecord, table: PriceTable, request: ClientRequest
    ) -> Lane:
        provider = provider_for(channel.type)
        route = route_to(channel, provider, request.model, self._settings)
        price = table.price(route.model, channel.type, caller.group)
        of_text = request.operation not in MEDIA | HEARD
        prices = msgspec.Raw(msgspec.json.encode(price))
        head = ChargeHead(
            user_id=caller.user_id,
            username=caller.username,
            token_id=caller.token_id,
            token_name=caller.token_name,
            channel_id=channel.id,
            model_name=route.model,
            content=policy.text_log(price) if of_text else policy.media_log(price),
            system_prompt_reset=bool(channel.system_prompt) and request.operation is Operation.CHAT,
            usual_detail=usual_detail(channel.id, prices, priced=price.known),
        )
        straight = Addresses() if _is_straight(provider, route, request) else None
        return Lane(
            caller,
            channel,
            table,
            provider,
            route,
            price,
            price.ratio,
            price.completion_ratio,
            of_text,
            head,
            prices,
            straight,
        )


def _is_straight(provider: Provider, route: Route, request: ClientRequest) -> bool:
    if not provider.straight or provider.quirks or route.system_prompt or route.model != request.model:
        return False
    return request.operation is Operation.CHAT and provider.supports(request.operation)


def route_to(channel: ChannelRecord, provider: Provider, model: str, settings: Settings) -> Route:
    """What the provider sees of the channel; the model's name as the channel maps it: so it is billed and logged."""
    config = channel.config
    if channel.other and provider.legacy_other and not config.get(provider.legacy_other):
        config = {**config, provider.legacy_other: channel.other}
    if provider.wants_process_config:
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
