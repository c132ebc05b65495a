"""Figures: consumption added up over any hours, days gone by from totals, the rest from the hourly figures."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from oneapi_app.models import Log, RelayFailure, UsageHour, UsageMark, UsageTotal
from oneapi_app.models.log import CONSUME
from oneapi_app.models.usage_mark import SUMMED_UNTIL
from oneapi_app.models.usage_total import BY_CHANNEL, BY_HOUR, BY_TOKEN, BY_USER
from oneapi_app.usage_log.schemas import FailureCount, Usage, UsageFilter, UsageGroup

HOUR_S = 3_600
DAY_S = 86_400
SUMS = (
    "requests",
    "quota",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "elapsed_ms",
    "first_token_ms",
    "streams",
)
VIEWS: tuple[tuple[int, frozenset[str], int], ...] = (
    (BY_HOUR, frozenset({"hour", "model_name"}), HOUR_S),
    (BY_CHANNEL, frozenset({"channel_id", "model_name"}), DAY_S),
    (BY_TOKEN, frozenset({"user_id", "username", "token_name"}), DAY_S),
    (BY_USER, frozenset({"user_id", "username", "model_name"}), DAY_S),
)
"""What each view of the totals can tell apart, and how finely in time; small ones first."""


def sum_hours(
    session: Session,
    wanted: UsageFilter,
    start: int,
    end: int,
    *,
    by: tuple[str, ...] = (),
    bucket_s: int = HOUR_S,
    shift_s: int = 0,
) -> list[UsageGroup]:
    """Consumption from ``start`` to before ``end``, both on the hour, in groups of ``by``.

    ``by`` are columns of the hourly figures. ``hour`` groups into spans of ``bucket_s`` that begin where
    ``(time + shift_s)`` is a multiple of it; days of a time zone have its offset as shift.
    """
    limits = _limits(wanted)
    found: dict[tuple[int | str, ...], list[int]] = {}
    for table, first, last, place in _stretches(session, {*limits, *by}, start, end):
        keys = [_bucket(table, bucket_s, shift_s) if name == "hour" else getattr(table, name) for name in by]
        conditions = [_is(col(getattr(table, name)), value) for name, value in limits.items()]
        summed = [func.sum(getattr(table, name)) for name in SUMS]
        statement = (
            select(*keys, *summed)  # type: ignore[call-overload]
            .where(*place, *conditions, col(table.hour) >= first, col(table.hour) < last)
            .group_by(*keys)
        )
        for row in session.execute(statement):
            if row[len(by)] is None:
                continue  # without groups, the sum of no rows
            sums = found.setdefault(tuple(row[: len(by)]), [0] * len(SUMS))
            for place_of, value in enumerate(row[len(by) :]):
                sums[place_of] += int(value or 0)
    return [UsageGroup(key, Usage(*sums)) for key, sums in found.items()]


def _stretches(
    session: Session, dimensions: set[str], start: int, end: int
) -> Iterator[tuple[type[UsageHour] | type[UsageTotal], int, int, list[ColumnElement[bool]]]]:
    """Which table tells about which time, with the part of it to look at: totals as far as there are any."""
    view = _view(dimensions)
    if view is not None:
        number, fineness = view
        first = -(-start // fineness) * fineness
        last = min(end // fineness * fineness, summed_until(session))
        if last > first:
            place = [col(UsageTotal.view) == number]
            if number in (BY_HOUR, BY_CHANNEL):
                place.append(col(UsageTotal.user_id) == 0)
            yield UsageTotal, first, last, place
            if start < first:
                yield UsageHour, start, first, []
            start = last
    if start < end:
        yield UsageHour, start, end, []


def _bucket(table: type[UsageHour] | type[UsageTotal], bucket_s: int, shift_s: int) -> Any:
    hour = col(table.hour)
    return hour - (hour + shift_s) % bucket_s


def _is(column: Any, value: Any) -> ColumnElement[bool]:
    return column.in_(value) if isinstance(value, tuple) else column == value


def without_index(session: Session, column: Any) -> Any:
    """SQLite knows nothing of how many rows a value has; this keeps it to the index on time, for narrow ranges."""
    if session.get_bind().dialect.name != "sqlite":
        return column
    return column + ("" if column.type.python_type is str else 0)


def _limits(wanted: UsageFilter) -> dict[str, Any]:
    """Column to value, or to a tuple of values."""
    limits: dict[str, Any] = {}
    if wanted.user_id is not None or wanted.user_ids:
        limits["user_id"] = wanted.user_ids if wanted.user_id is None else wanted.user_id
    names = {"username": wanted.username, "token_name": wanted.token_name, "model_name": wanted.model_name}
    limits |= {name: value for name, value in names.items() if value}
    if wanted.channel:
        limits["channel_id"] = wanted.channel
    return limits


def _view(dimensions: set[str]) -> tuple[int, int] | None:
    """The view that can tell these apart, and its fineness in seconds; None where only the hourly figures can."""
    for view, told_apart, fineness in VIEWS:
        if dimensions <= told_apart:
            return view, fineness
    return None


def summed_until(session: Session) -> int:
    """Days before this instant are in the totals."""
    mark = session.get(UsageMark, SUMMED_UNTIL)
    return mark.value if mark else 0


def sum_rows(session: Session, wanted: UsageFilter, start: int, end: int) -> Usage:
    """Consumption from the rows themselves, both ends inclusive: for the parts of an hour at the ends of a range."""
    columns = {"channel_id": Log.channel_id, "user_id": Log.user_id, "username": Log.username}
    columns |= {"token_name": Log.token_name, "model_name": Log.model_name}
    limits = [
        _is(without_index(session, col(columns[name])), value) for name, value in _limits(wanted).items()
    ]
    count, *sums = session.execute(
        select(
            func.count(),
            func.sum(Log.quota),
            func.sum(Log.prompt_tokens),
            func.sum(Log.completion_tokens),
        ).where(col(Log.type) == CONSUME, col(Log.created_at) >= start, col(Log.created_at) <= end, *limits)
    ).one()
    return Usage(count, *(int(value or 0) for value in sums))


def count_failures(session: Session, start: int, end: int) -> list[FailureCount]:
    """Failures from ``start`` to before ``end``, by kind and channel, most frequent first."""
    found = session.exec(
        select(
            RelayFailure.kind,
            RelayFailure.channel_id,
            func.count(),
            func.max(RelayFailure.created_at),
        )
        .where(col(RelayFailure.created_at) >= start, col(RelayFailure.created_at) < end)
        .group_by(col(RelayFailure.kind), col(RelayFailure.channel_id))
        .order_by(func.count().desc())
    )
    return [FailureCount(*row) for row in found]


def list_failures(session: Session, *, channel_id: int | None, limit: int) -> list[RelayFailure]:
    """The latest."""
    conditions = [] if channel_id is None else [col(RelayFailure.channel_id) == channel_id]
    return list(
        session.exec(
            select(RelayFailure)
            .where(*conditions)
            .order_by(col(RelayFailure.created_at).desc(), col(RelayFailure.id).desc())
            .limit(limit)
        )
    )
