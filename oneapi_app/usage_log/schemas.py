"""What goes into and comes out of the usage log. Times are unix seconds, quota is in units."""

import msgspec


class FailureRecord(msgspec.Struct, frozen=True):
    """A relayed request that failed, for the error rate and for finding dead keys.

    ``message`` is the vendor's own, without its key; it may quote the caller.
    """

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


class LogFilter(msgspec.Struct, frozen=True):
    """Which rows; zero values do not restrict. Names are compared exactly."""

    type: int = 0
    start: int = 0
    end: int = 0
    """Inclusive, as ``start`` is."""
    username: str = ""
    token_name: str = ""
    model_name: str = ""
    channel: int = 0
    request_id: str = ""
    user_id: int | None = None
    """Set by the service: whose rows the caller may see."""
    user_ids: tuple[int, ...] = ()
    """Set by the service: who ``username`` is."""


class LogEntry(msgspec.Struct, frozen=True):
    """One row for the console, with what stands in its detail. ``attempts`` are for admins only."""

    row: LogRow
    cached_tokens: int
    first_token_ms: int


class LogPage(msgspec.Struct, frozen=True):
    entries: list[LogEntry]
    total: int
    """Counted up to ``MAX_COUNTED``."""


class LogDetails(msgspec.Struct, frozen=True):
    """How one request was served and billed, as the ledger noted it; empty for rows that were not relayed."""

    entry: LogEntry
    detail: dict[str, object]


class UsageFilter(msgspec.Struct, frozen=True):
    """Whose consumption; None and "" do not restrict."""

    user_id: int | None = None
    username: str = ""
    token_name: str = ""
    model_name: str = ""
    channel: int = 0
    user_ids: tuple[int, ...] = ()
    """Set by the service: who ``username`` is."""


class Usage(msgspec.Struct, frozen=True):
    """Consumption summed up. ``elapsed_ms`` over all requests, ``first_token_ms`` over ``streams`` of them."""

    requests: int = 0
    quota: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    elapsed_ms: int = 0
    first_token_ms: int = 0
    streams: int = 0


class QuotaSum(msgspec.Struct, frozen=True):
    """The sum as the REST API tells it."""

    quota: int


class UsageGroup(msgspec.Struct, frozen=True):
    """One group of a breakdown: ``key`` holds the values of the dimensions asked for, in their order."""

    key: tuple[int | str, ...]
    usage: Usage


class DayRow(msgspec.Struct, frozen=True, rename="pascal"):
    """A row of the dashboard in the original's field names (``Day``, ``ModelName``, …)."""

    day: str
    model_name: str
    request_count: int
    quota: int
    prompt_tokens: int
    completion_tokens: int


class FailureRow(msgspec.Struct, frozen=True):
    id: int
    created_at: int
    request_id: str
    user_id: int
    token_name: str
    model_name: str
    channel_id: int
    status: int
    kind: str
    message: str


class FailureCount(msgspec.Struct, frozen=True):
    """Failures of one kind on one channel."""

    kind: str
    channel_id: int
    count: int
    last_at: int
