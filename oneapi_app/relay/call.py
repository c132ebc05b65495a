"""One relayed request, as the relay passes it along."""

import msgspec

from oneapi_app.providers.base import ClientRequest
from oneapi_app.relay.lanes import Way
from oneapi_app.tokens.schemas import CallerRecord


class Call(msgspec.Struct, gc=False):
    """Who asks for what. ``started_ns`` is on the monotonic clock; the estimate is made when first needed."""

    request_id: str
    caller: CallerRecord
    request: ClientRequest
    way: Way
    started_ns: int
    created_at: int
    rough_prompt_tokens: int | None = None
