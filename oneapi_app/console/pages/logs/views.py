"""Log rows as the page draws them. Pure: no state, no services."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oneapi_app.models.log import CONSUME, MANAGE, SYSTEM, TEST, TOP_UP
from oneapi_app.usage_log.schemas import LogDetails, LogEntry

KINDS = {TOP_UP: "top_up", CONSUME: "consume", MANAGE: "manage", SYSTEM: "system", TEST: "test"}
COUNT_SOURCES = ("provider", "estimate", "partial")


@dataclass(frozen=True)
class LogView:
    """``kind``: top_up, consume, manage, system, test, other. ``said``: the text where it is not a formula."""

    id: int = 0
    at: int = 0
    kind: str = "other"
    user: str = ""
    token: str = ""
    model: str = ""
    channel: int = 0
    channel_name: str = ""
    streamed: bool = False
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    elapsed_ms: int = 0
    first_token_ms: int = 0
    cost: int = 0
    said: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class AttemptView:
    channel: str
    status: int
    duration_ms: int
    kind: str


@dataclass(frozen=True)
class DetailView:
    """One row opened. ``formula`` is empty where nothing was charged by tokens."""

    row: LogView = LogView()
    formula: str = ""
    ratios: str = ""
    count_source: str = ""
    ending: str = ""
    problem: str = ""
    unpriced: bool = False
    uncollected: int = 0
    tokens_per_second: float = 0
    prompt_replaced: bool = False
    attempts: list[AttemptView] = field(default_factory=list)


def view_of(entry: LogEntry, channel_names: Mapping[int, str]) -> LogView:
    row = entry.row
    return LogView(
        id=row.id,
        at=row.created_at,
        kind=KINDS.get(row.type, "other"),
        user=row.username,
        token=row.token_name,
        model=row.model_name,
        channel=row.channel,
        channel_name=channel_names.get(row.channel, ""),
        streamed=row.is_stream,
        prompt=row.prompt_tokens,
        completion=row.completion_tokens,
        cached=entry.cached_tokens,
        elapsed_ms=row.elapsed_time,
        first_token_ms=entry.first_token_ms,
        cost=row.quota,
        said="" if row.type == CONSUME else row.content,
        request_id=row.request_id,
    )


def detail_of(found: LogDetails, channel_names: Mapping[int, str]) -> DetailView:
    detail, row = found.detail, found.entry.row
    source = str(detail.get("count_source", ""))
    generating_ms = row.elapsed_time - found.entry.first_token_ms
    speed = row.completion_tokens / generating_ms * 1000 if generating_ms > 0 and row.is_stream else 0.0
    return DetailView(
        row=view_of(found.entry, channel_names),
        formula=write_formula(found),
        ratios=write_ratios(found),
        count_source=source if source in COUNT_SOURCES else "",
        ending=str(detail.get("ending", "")),
        problem=str(detail.get("problem", "")),
        unpriced=bool(detail.get("unpriced")),
        uncollected=_whole(detail.get("uncollected_units")),
        tokens_per_second=round(speed, 1),
        prompt_replaced=row.system_prompt_reset,
        attempts=[_attempt(note, channel_names) for note in _list(detail.get("attempts"))],
    )


def write_formula(found: LogDetails) -> str:
    """``(12 + 7 × 4) × 0.075 × 1 = 3``: prompt, completion, the three ratios, and what was charged.

    Empty where that is not the whole story: no prices noted, cached tokens at a vendor's own discount.
    """
    row, ratios = found.entry.row, _ratios(found)
    if ratios is None or found.entry.cached_tokens or not row.prompt_tokens + row.completion_tokens:
        return ""
    model, group, completion = ratios
    return f"({row.prompt_tokens} + {row.completion_tokens} × {completion}) × {model} × {group} = {row.quota}"


def write_ratios(found: LogDetails) -> str:
    """``0.075 × 1 × 4``: model, group, completion."""
    ratios = _ratios(found)
    return " × ".join(ratios) if ratios else ""


def _ratios(found: LogDetails) -> tuple[str, str, str] | None:
    prices = found.detail.get("prices")
    if found.entry.row.type != CONSUME or not isinstance(prices, dict):
        return None
    model, group, completion = (prices.get(name, 1) for name in ("model", "group", "completion"))
    return _short(model), _short(group), _short(completion)


def _attempt(note: Any, names: Mapping[int, str]) -> AttemptView:
    note = note if isinstance(note, dict) else {}
    channel = _whole(note.get("channel"))
    name = names.get(channel, "")
    return AttemptView(
        channel=f"#{channel} {name}".strip(),
        status=_whole(note.get("status")),
        duration_ms=_whole(note.get("duration_ms")),
        kind=str(note.get("kind") or ""),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _short(number: Any) -> str:
    return f"{number:g}" if isinstance(number, int | float) else str(number)
