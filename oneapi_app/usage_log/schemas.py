"""What goes into and comes out of the usage log. Times are unix seconds, quota is in units."""

import msgspec


class FailureRecord(msgspec.Struct, frozen=True):
    """A relayed request that failed, for the error rate and for finding dead keys. Never holds a prompt or a key."""

    created_at: int
    request_id: str
    user_id: int
    token_name: str
    model_name: str
    channel_id: int
    """0 where no channel was tried."""
    status: int
    """The HTTP status, the upstream's where it answered."""
    kind: str
    message: str


class LogRow(msgspec.Struct, frozen=True):
    """One row, in the fields of the REST API."""

    id: int
    user_id: int
    created_at: int
    type: int
    content: str
    username: str
    token_name: str
    model_name: str
    quota: int
    prompt_tokens: int
    completion_tokens: int
    channel: int
    request_id: str
    elapsed_time: int
    """Milliseconds."""
    is_stream: bool
    system_prompt_reset: bool
