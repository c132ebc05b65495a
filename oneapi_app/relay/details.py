"""What a log row's detail says of a call: who counted, how it ended, which channels were tried, at what price."""

from typing import Any, Final

import msgspec

from oneapi_app.billing.charge import write_detail
from oneapi_app.relay.pump import Ending

COUNTED_BY_PROVIDER: Final = "provider"
COUNTED_HERE: Final = "estimate"
COUNTED_PARTLY: Final = "partial"
"""The stream ended early: what was delivered until then, counted here."""

_A_DURATION: Final = 987_654_321_012_345


class AttemptNote(msgspec.Struct, frozen=True, gc=False, rename={"channel_id": "channel"}):
    """One try of one channel, as the log row's detail has it."""

    channel_id: int
    status: int
    duration_ms: int
    kind: str = ""


def detail_of(
    source: str,
    ending: Ending,
    attempts: list[AttemptNote],
    prices: msgspec.Raw,
    *,
    priced: bool,
    problem: str = "",
) -> str:
    """JSON. ``priced``: the price is not the one of models that nobody knows."""
    fields: dict[str, Any] = {
        "count_source": source,
        "ending": ending,
        "attempts": attempts,
        "prices": prices,
    }
    if not priced:
        fields["unpriced"] = True
    if problem:
        fields["problem"] = problem
    return write_detail(fields)


def usual_detail(channel_id: int, prices: msgspec.Raw, *, priced: bool) -> tuple[str, str]:
    """Of a call whose first attempt was accepted and counted by the provider: what stands before and behind the duration of
    the attempt, in milliseconds.
    """
    note = AttemptNote(channel_id, 200, _A_DURATION)
    detail = detail_of(COUNTED_BY_PROVIDER, Ending.COMPLETE, [note], prices, priced=priced)
    before, _, after = detail.partition(str(_A_DURATION))
    return before, after
