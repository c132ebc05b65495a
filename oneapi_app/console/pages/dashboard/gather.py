"""Everything a dashboard shows, asked in one transaction. Who may see what is the services' business."""

from collections.abc import Mapping
from dataclasses import dataclass

from oneapi_app.accounts import service as accounts
from oneapi_app.actor import Actor
from oneapi_app.channels import service as channels
from oneapi_app.console.pages.dashboard.series import (
    DAY_S,
    HOUR_S,
    Share,
    Span,
    Trend,
    midnight,
    rank,
    span_of,
    trend,
)
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.tokens import service as tokens
from oneapi_app.tokens.schemas import TokenQuery, TokenRow
from oneapi_app.usage_log import figures, service
from oneapi_app.usage_log.schemas import LogEntry, LogFilter, Usage, UsageGroup

RECENT = 8
SOON_S = 7 * DAY_S
LOW_UNITS = 50_000
"""A token with less than this left is nearly empty: ten cents at the usual rate."""


@dataclass(frozen=True)
class Gathered:
    """``series`` are groups of (bucket, model); ``usage`` is the span's total."""

    balance: int
    today: Trend
    week: Trend
    month: Trend
    usage: Usage
    before: Usage
    span: Span
    series: list[UsageGroup]
    models: list[Share]
    recent: list[LogEntry]
    attention: list[TokenRow]


@dataclass(frozen=True)
class Steps:
    """The first steps, and what the next one needs. ``key``: a token to try with, without ``sk-``."""

    channel: bool
    tested: bool
    token: bool
    request: bool
    key: str
    models: list[str]


@dataclass(frozen=True)
class SiteFigures:
    """For admins. ``kinds``: failures of the last 24 hours by kind, most frequent first."""

    users: list[Share]
    tokens: list[Share]
    channels: list[Share]
    failed: int
    served: int
    kinds: list[tuple[str, int]]
    reasons: Mapping[int, tuple[str, int]]


def gather(uow: UnitOfWork, actor: Actor, *, span_name: str, zone_s: int, whole_site: bool) -> Gathered:
    now = now_s()
    span = span_of(span_name, now, zone_s)
    length = span.end - span.start

    def spent(start: int, end: int) -> int:
        return figures.total_usage(uow, actor, start=start, end=end, whole_site=whole_site).quota

    def compared(start: int) -> Trend:
        """Since then, against the same length of time before it."""
        return trend(spent(start, now + 1), spent(start - (now - start), start))

    today = midnight(now, zone_s)
    return Gathered(
        balance=accounts.read_self(uow, actor).quota,
        today=trend(spent(today, now + 1), spent(today - DAY_S, now - DAY_S)),
        week=compared(now - 7 * DAY_S),
        month=compared(now - 30 * DAY_S),
        usage=figures.total_usage(uow, actor, start=span.start, end=span.end, whole_site=whole_site),
        before=figures.total_usage(
            uow, actor, start=span.start - length, end=now - length, whole_site=whole_site
        ),
        span=span,
        series=figures.sum_usage(
            uow,
            actor,
            start=span.start,
            end=span.end,
            by=("hour", "model_name"),
            bucket_s=span.bucket_s,
            shift_s=span.shift_s,
            whole_site=whole_site,
        ),
        models=rank(
            figures.sum_usage(
                uow, actor, start=span.start, end=span.end, by=("model_name",), whole_site=whole_site
            ),
            lambda key: str(key[0]),
        ),
        recent=_recent(uow, actor, whole_site),
        attention=tokens.list_needing_attention(uow, actor, within_s=SOON_S, low_quota=LOW_UNITS),
    )


def _recent(uow: UnitOfWork, actor: Actor, whole_site: bool) -> list[LogEntry]:
    chosen = LogFilter(type=2) if whole_site else LogFilter(type=2, username=actor.username)
    return service.page_entries(uow, actor, chosen=chosen, size=RECENT).entries


def steps(uow: UnitOfWork, actor: Actor) -> Steps:
    """How far somebody has come who has just arrived."""
    has_channel = tested = True
    if actor.is_admin:
        listed = channels.list_newest(uow, actor)
        has_channel = bool(listed)
        tested = any(channel.test_time for channel in listed)
    own = tokens.page_own(uow, actor, query=TokenQuery(size=1, status=1))
    asked = figures.total_usage(uow, actor, start=0, end=now_s() + HOUR_S).requests
    return Steps(
        channel=has_channel,
        tested=tested,
        token=own.total > 0,
        request=asked > 0,
        key=own.rows[0].key if own.rows else "",
        models=accounts.available_models(uow, actor),
    )


def gather_site(uow: UnitOfWork, actor: Actor, *, span: Span, channel_ids: list[int]) -> SiteFigures:
    """Rankings over the span; failures of the last 24 hours."""
    now = now_s()

    def groups(*by: str) -> list[UsageGroup]:
        return figures.sum_usage(uow, actor, start=span.start, end=span.end, by=by, whole_site=True)

    failures = figures.count_failures(uow, actor, start=now - DAY_S, end=now + 1)
    kinds: dict[str, int] = {}
    for failure in failures:
        kinds[failure.kind] = kinds.get(failure.kind, 0) + failure.count
    states = channels.states(uow, actor, channel_ids=channel_ids)
    return SiteFigures(
        users=rank(groups("username"), lambda key: str(key[0])),
        tokens=rank(groups("username", "token_name"), lambda key: f"{key[0]} / {key[1]}"),
        channels=rank(groups("channel_id"), lambda key: str(key[0])),
        failed=sum(kinds.values()),
        served=figures.total_usage(uow, actor, start=now - DAY_S, end=now + 1, whole_site=True).requests,
        kinds=sorted(kinds.items(), key=lambda item: -item[1])[:5],
        reasons={number: (state.status_reason, state.status_since) for number, state in states.items()},
    )
