"""The log's upkeep in small steps: counting rows of other programs, totals of past days, deleting old rows."""

from typing import Any

from sqlalchemy import Table, func, literal
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlmodel import Session, col, delete, exists, insert, select

from oneapi_app.models import Log, LogDetail, RelayFailure, UsageHour, UsageMark, UsageTotal
from oneapi_app.models.log import CONSUME
from oneapi_app.models.usage_total import BY_CHANNEL, BY_HOUR, BY_TOKEN, BY_USER
from oneapi_app.usage_log.repository import stretches
from oneapi_app.usage_log.repository.sums import DAY_S, HOUR_S, SUMS

_HOURS: Table = UsageHour.__table__  # type: ignore[attr-defined]
_KEY = ("hour", "user_id", "username", "token_name", "model_name", "channel_id")
_KEPT = {
    BY_HOUR: ("hour", "model_name"),
    BY_CHANNEL: ("channel_id", "model_name"),
    BY_TOKEN: ("user_id", "username", "token_name"),
    BY_USER: ("user_id", "username", "model_name"),
}
_EMPTY: dict[str, int | str] = {
    "user_id": 0,
    "username": "",
    "token_name": "",
    "model_name": "",
    "channel_id": 0,
}


def read_mark(session: Session, name: str) -> int | None:
    mark = session.get(UsageMark, name)
    return None if mark is None else mark.value


def write_mark(session: Session, name: str, value: int) -> None:
    session.merge(UsageMark(name=name, value=value))


def count_foreign_rows(session: Session, after_id: int, until_id: int) -> int | None:
    """Adds rows that another program wrote to the hourly figures; those with a detail are the ledger's, and counted.

    Returns when the earliest of them was written, None where there was nothing to add.
    """
    known = exists().where(col(LogDetail.request_id) == col(Log.request_id))
    conditions = [col(Log.id) > after_id, col(Log.id) <= until_id, col(Log.type) == CONSUME, ~known]
    conditions.append(col(Log.created_at).is_not(None))
    earliest = session.exec(select(func.min(Log.created_at)).where(*conditions)).one()
    if earliest is None:
        return None
    key = (
        (col(Log.created_at) - col(Log.created_at) % HOUR_S).label("its_hour"),
        func.coalesce(Log.user_id, 0).label("its_user"),
        func.substr(func.coalesce(Log.username, ""), 1, 64).label("its_username"),
        func.substr(func.coalesce(Log.token_name, ""), 1, 64).label("its_token"),
        func.substr(func.coalesce(Log.model_name, ""), 1, 191).label("its_model"),
        func.coalesce(Log.channel_id, 0).label("its_channel"),
    )
    zero = literal(0)
    quota, prompt, completion, elapsed = (
        func.coalesce(func.sum(column), 0)
        for column in (Log.quota, Log.prompt_tokens, Log.completion_tokens, Log.elapsed_time)
    )
    chosen = (
        select(*key, func.count(), quota, prompt, completion, zero, elapsed, zero, zero)  # type: ignore[call-overload]
        .where(*conditions)
        .group_by(*(column.name for column in key))
    )
    session.execute(_adding(session, chosen))
    return int(earliest)


def _adding(session: Session, chosen: Any) -> Any:
    """Inserts hourly figures, or adds them to those that are there."""
    names = [*_KEY, *SUMS]
    match session.get_bind().dialect.name:
        case "mysql":
            ours = mysql.insert(_HOURS).from_select(names, chosen)
            return ours.on_duplicate_key_update({name: _HOURS.c[name] + ours.inserted[name] for name in SUMS})
        case "postgresql":
            theirs = postgresql.insert(_HOURS).from_select(names, chosen)
            return theirs.on_conflict_do_update(
                index_elements=_KEY, set_={name: _HOURS.c[name] + theirs.excluded[name] for name in SUMS}
            )
        case _:
            small = sqlite.insert(_HOURS).from_select(names, chosen)
            return small.on_conflict_do_update(
                index_elements=_KEY, set_={name: _HOURS.c[name] + small.excluded[name] for name in SUMS}
            )


def first_hour(session: Session) -> int | None:
    return session.exec(select(func.min(UsageHour.hour))).one()


def sum_day(session: Session, day: int) -> None:
    """Writes the totals of one UTC day anew."""
    session.exec(delete(UsageTotal).where(col(UsageTotal.hour) >= day, col(UsageTotal.hour) < day + DAY_S))
    names = ["view", *_KEY, *SUMS]
    for view, kept in _KEPT.items():
        columns = [
            literal(day)
            if name == "hour" and "hour" not in kept
            else col(getattr(UsageHour, name))
            if name in kept
            else literal(_EMPTY[name])
            for name in _KEY
        ]
        sums = [func.sum(col(getattr(UsageHour, name))) for name in SUMS]
        chosen = (
            select(literal(view), *columns, *sums)  # type: ignore[call-overload]
            .where(col(UsageHour.hour) >= day, col(UsageHour.hour) < day + DAY_S)
            .group_by(*(col(getattr(UsageHour, name)) for name in kept))
        )
        session.execute(insert(UsageTotal).from_select(names, chosen))


def is_day_summed(session: Session, day: int) -> bool:
    """Whether the totals of the day still say what the hourly figures say."""

    def figures(table: type[UsageHour] | type[UsageTotal], *conditions: Any) -> tuple[int, int]:
        requests, quota = session.execute(
            select(func.sum(table.requests), func.sum(table.quota)).where(
                col(table.hour) >= day, col(table.hour) < day + DAY_S, *conditions
            )
        ).one()
        return int(requests or 0), int(quota or 0)

    return figures(UsageHour) == figures(
        UsageTotal, col(UsageTotal.view) == BY_HOUR, col(UsageTotal.user_id) == 0
    )


def delete_rows(session: Session, before: int, limit: int) -> int:
    """Deletes up to ``limit`` log rows older than ``before``; returns how many."""
    ids = session.exec(
        select(Log.id).where(col(Log.created_at) < before).order_by(col(Log.created_at)).limit(limit)
    ).all()
    if ids:
        session.exec(delete(Log).where(col(Log.id).in_(ids)))
        stretches.take_off(session, [found for found in ids if found is not None])
    return len(ids)


def delete_details(session: Session, before: int, limit: int) -> int:
    ids = session.exec(
        select(LogDetail.request_id).where(col(LogDetail.created_at) < before).limit(limit)
    ).all()
    if ids:
        session.exec(delete(LogDetail).where(col(LogDetail.request_id).in_(ids)))
    return len(ids)


def delete_failures(session: Session, before: int, limit: int) -> int:
    ids = session.exec(
        select(RelayFailure.id).where(col(RelayFailure.created_at) < before).limit(limit)
    ).all()
    if ids:
        session.exec(delete(RelayFailure).where(col(RelayFailure.id).in_(ids)))
    return len(ids)


def count_before(session: Session, before: int) -> int:
    return session.exec(select(func.count()).select_from(Log).where(col(Log.created_at) < before)).one()
