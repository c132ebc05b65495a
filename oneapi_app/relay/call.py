"""One relayed request, as the relay passes it along."""

from dataclasses import dataclass

from oneapi_app.providers.base import ClientRequest
from oneapi_app.tokens.schemas import CallerRecord


@dataclass(slots=True)
class Call:
    """Who asks for what. ``started_ms`` is on the monotonic clock; the estimate is made when first needed."""

    request_id: str
    caller: CallerRecord
    request: ClientRequest
    pinned_channel: int | None
    started_ms: float
    created_at: int
    rough_prompt_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptNote:
    """One try of one channel, for the log row's detail."""

    channel_id: int
    status: int
    duration_ms: int
    kind: str = ""
