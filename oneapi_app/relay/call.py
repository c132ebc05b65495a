"""One relayed request, as the relay passes it along."""

import msgspec

from oneapi_app.providers.base import ClientRequest
from oneapi_app.relay.routing import Tiers
from oneapi_app.tokens.schemas import CallerRecord


class Call(msgspec.Struct, gc=False):
    """Who asks for what. ``started_ns`` is on the monotonic clock; the estimate is made when first needed."""

    request_id: str
    caller: CallerRecord
    request: ClientRequest
    tiers: Tiers
    """The channels that may serve it: the one that the caller named, or all of its group that offer the model."""
    started_ns: int
    created_at: int
    rough_prompt_tokens: int | None = None


class AttemptNote(msgspec.Struct, frozen=True, gc=False, rename={"channel_id": "channel"}):
    """One try of one channel, as the log row's detail has it."""

    channel_id: int
    status: int
    duration_ms: int
    kind: str = ""
