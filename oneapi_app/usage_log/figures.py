"""Figures drawn from the usage log: a second front of its service, for statistics and dashboards.

Sums come from hourly figures the ledger keeps, so they show a call within a second or two and never scan the log;
only the parts of an hour at the ends of a range are added up from rows.
"""

from datetime import UTC, datetime

import msgspec

from oneapi_app.actor import ADMIN, COMMON, Actor, require_role
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.text import is_storable
from oneapi_app.usage_log import policy
from oneapi_app.usage_log.repository import rows, sums
from oneapi_app.usage_log.schemas import (
    DayRow,
    FailureCount,
    FailureRow,
    LogFilter,
    Usage,
    UsageFilter,
    UsageGroup,
)

_FUTURE = 2**40
_DIMENSIONS = frozenset({"hour", "user_id", "username", "token_name", "model_name", "channel_id"})


def stat_all(uow: UnitOfWork, actor: Actor, *, chosen: LogFilter) -> Usage:
    """Consumption of the rows a filter matches, its type ignored, as the original does."""
    require_role(actor, ADMIN)
    return _stat(uow, chosen, _usage_filter(uow, chosen))


def stat_own(uow: UnitOfWork, actor: Actor, *, chosen: LogFilter) -> Usage:
    require_role(actor, COMMON)
    wanted = msgspec.structs.replace(
        _usage_filter(uow, chosen), user_id=actor.user_id, user_ids=(), username=""
    )
    return _stat(uow, chosen, wanted)


def stat(uow: UnitOfWork, actor: Actor, *, chosen: LogFilter) -> Usage:
    """What the caller may see of it: everything for admins, one's own otherwise."""
    return stat_all(uow, actor, chosen=chosen) if actor.is_admin else stat_own(uow, actor, chosen=chosen)


def last_minute(uow: UnitOfWork, actor: Actor, *, chosen: LogFilter) -> Usage:
    """Consumption of the last sixty seconds under the same filter, whatever its range: requests and tokens per minute."""
    now = now_s()
    return stat(uow, actor, chosen=msgspec.structs.replace(chosen, start=now - 59, end=now))


def week_by_day(uow: UnitOfWork, actor: Actor) -> list[DayRow]:
    """The caller's consumption of the last seven UTC days, by day and model."""
    require_role(actor, COMMON)
    start, end = policy.week_of_days(now_s())
    found = sums.sum_hours(
        uow.log_session,
        UsageFilter(user_id=actor.user_id),
        start,
        end,
        by=("hour", "model_name"),
        bucket_s=policy.DAY_S,
    )
    return [
        DayRow(
            day=datetime.fromtimestamp(int(group.key[0]), UTC).strftime("%Y-%m-%d"),
            model_name=str(group.key[1]),
            request_count=group.usage.requests,
            quota=group.usage.quota,
            prompt_tokens=group.usage.prompt_tokens,
            completion_tokens=group.usage.completion_tokens,
        )
        for group in sorted(found, key=lambda group: (group.key[0], str(group.key[1])))
    ]


def sum_usage(
    uow: UnitOfWork,
    actor: Actor,
    *,
    start: int,
    end: int,
    by: tuple[str, ...] = (),
    wanted: UsageFilter | None = None,
    whole_site: bool = False,
    bucket_s: int = policy.HOUR_S,
    shift_s: int = 0,
) -> list[UsageGroup]:
    """Consumption from ``start`` to before ``end`` (rounded to hours outwards) in groups of ``by``.

    ``by``: hour, user_id, username, token_name, model_name, channel_id. The whole site is for admins.
    """
    require_role(actor, ADMIN if whole_site else COMMON)
    if not _DIMENSIONS.issuperset(by):
        raise ValueError(f"unknown dimensions: {by}")
    wanted = wanted or UsageFilter()
    if not whole_site:
        wanted = msgspec.structs.replace(wanted, user_id=actor.user_id, user_ids=(), username="")
    first, last = start - start % policy.HOUR_S, -(-end // policy.HOUR_S) * policy.HOUR_S
    return sums.sum_hours(uow.log_session, wanted, first, last, by=by, bucket_s=bucket_s, shift_s=shift_s)


def total_usage(uow: UnitOfWork, actor: Actor, *, start: int, end: int, whole_site: bool = False) -> Usage:
    """The same without groups."""
    found = sum_usage(uow, actor, start=start, end=end, whole_site=whole_site)
    return found[0].usage if found else Usage()


def count_failures(uow: UnitOfWork, actor: Actor, *, start: int, end: int) -> list[FailureCount]:
    """What failed on the whole site, by kind and channel."""
    require_role(actor, ADMIN)
    return sums.count_failures(uow.log_session, start, end)


def list_failures(
    uow: UnitOfWork, actor: Actor, *, channel_id: int | None = None, limit: int = 20
) -> list[FailureRow]:
    """The latest failures, of one channel or of all."""
    require_role(actor, ADMIN)
    found = sums.list_failures(uow.log_session, channel_id=channel_id, limit=min(max(limit, 1), 100))
    return [
        FailureRow(
            id=failure.id or 0,
            created_at=failure.created_at,
            request_id=failure.request_id,
            user_id=failure.user_id,
            token_name=failure.token_name,
            model_name=failure.model_name,
            channel_id=failure.channel_id,
            status=failure.status,
            kind=failure.kind,
            message=failure.message,
        )
        for failure in found
    ]


def _usage_filter(uow: UnitOfWork, chosen: LogFilter) -> UsageFilter:
    user_ids: tuple[int, ...] = ()
    if chosen.username and is_storable(chosen.username):
        user_ids = tuple(rows.find_user_ids(uow.session, chosen.username))
    return UsageFilter(
        username=chosen.username,
        token_name=chosen.token_name,
        model_name=chosen.model_name,
        channel=chosen.channel,
        user_ids=user_ids,
    )


def _stat(uow: UnitOfWork, chosen: LogFilter, wanted: UsageFilter) -> Usage:
    """Nothing before the oldest row counts: rows that were cleaned up are in no sum of rows."""
    session = uow.log_session
    texts = (wanted.username, wanted.token_name, wanted.model_name)
    oldest = rows.oldest(session)
    if oldest is None or not all(is_storable(text) for text in texts) or abs(wanted.channel) >= 2**63:
        return Usage()
    start = max(chosen.start, oldest)
    end = min(chosen.end, _FUTURE) if chosen.end else _FUTURE - 1
    head, hours, tail = policy.split_range(start, end)
    parts = [sums.sum_rows(session, wanted, *part) for part in (head, tail) if part]
    if hours:
        parts += [group.usage for group in sums.sum_hours(session, wanted, *hours)]
    return add_up(parts)


def add_up(parts: list[Usage]) -> Usage:
    """Component by component."""
    if not parts:
        return Usage()
    return Usage(*(sum(values) for values in zip(*map(msgspec.structs.astuple, parts), strict=True)))
