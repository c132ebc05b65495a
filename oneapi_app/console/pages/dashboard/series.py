"""Figures arranged for charts and tables. Pure: no state, no services, no clock."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from oneapi_app.usage_log.schemas import Usage, UsageGroup

HOUR_S = 3_600
DAY_S = 86_400
MAX_SERIES = 7
OTHER = "…"
"""The series of everything that has none of its own."""

METRICS: dict[str, Callable[[Usage], int]] = {
    "spend": lambda usage: usage.quota,
    "requests": lambda usage: usage.requests,
    "tokens": lambda usage: usage.prompt_tokens + usage.completion_tokens,
}


@dataclass(frozen=True)
class Span:
    """A stretch of time and its buckets; ``end`` is exclusive. Days begin at the viewer's midnight."""

    start: int
    end: int
    bucket_s: int
    shift_s: int


@dataclass(frozen=True)
class Share:
    """One line of a ranking; ``percent`` of the largest."""

    name: str
    spend: int
    requests: int
    tokens: int
    percent: int


@dataclass(frozen=True)
class Trend:
    """A figure and how it compares with the period before; ``percent`` has no meaning where ``known`` is false."""

    value: int = 0
    percent: int = 0
    known: bool = False


def span_of(name: str, now: int, zone_s: int) -> Span:
    """``day``: the last 24 hours by hour; ``week`` and ``month``: 7 and 30 days of the viewer's zone, today included."""
    if name == "day":
        end = now - now % HOUR_S + HOUR_S
        return Span(end - DAY_S, end, HOUR_S, 0)
    today = midnight(now, zone_s)
    days = 30 if name == "month" else 7
    return Span(today - (days - 1) * DAY_S, today + DAY_S, DAY_S, zone_s)


def midnight(now: int, zone_s: int) -> int:
    return now - (now + zone_s) % DAY_S


def trend(value: int, before: int) -> Trend:
    if before <= 0:
        return Trend(value)
    return Trend(value, round((value - before) * 100 / before), True)


def stack(groups: Iterable[UsageGroup], span: Span, metric: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Groups of (bucket, model) as a bar per bucket, empty ones included, and the series in stacking order."""
    weigh = METRICS.get(metric, METRICS["spend"])
    groups = list(groups)
    totals: dict[str, int] = {}
    for group in groups:
        name = str(group.key[1])
        totals[name] = totals.get(name, 0) + weigh(group.usage)
    ranked = [name for name in sorted(totals, key=lambda name: (-totals[name], name)) if totals[name]]
    kept = ranked if len(ranked) <= MAX_SERIES else ranked[: MAX_SERIES - 1]
    bars: dict[int, dict[str, Any]] = {
        at: {"at": at} for at in range(_bucket(span.start, span), span.end, span.bucket_s)
    }
    for group in groups:
        bar = bars.get(int(group.key[0]))
        if bar is None:
            continue
        name = str(group.key[1]) if str(group.key[1]) in kept else OTHER
        bar[name] = bar.get(name, 0) + weigh(group.usage)
    return list(bars.values()), [*kept, *([OTHER] if len(kept) < len(ranked) else [])]


def _bucket(at: int, span: Span) -> int:
    return at - (at + span.shift_s) % span.bucket_s


def rank(
    groups: Iterable[UsageGroup], name: Callable[[tuple[int | str, ...]], str], most: int = 8
) -> list[Share]:
    """The groups that spent most."""
    ordered: Sequence[UsageGroup] = sorted(
        groups, key=lambda group: (-group.usage.quota, -group.usage.requests)
    )[:most]
    largest = max((group.usage.quota for group in ordered), default=0)
    return [
        Share(
            name=name(group.key),
            spend=group.usage.quota,
            requests=group.usage.requests,
            tokens=METRICS["tokens"](group.usage),
            percent=round(group.usage.quota * 100 / largest) if largest else 0,
        )
        for group in ordered
    ]
