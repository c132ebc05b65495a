"""Log rows: writing, and finding a page of them among millions.

Four habits keep pages fast: ids are chosen first and rows read by id; a rare type is looked for in recent days
before older ones; a name of a user is looked up as his id, which has an index; far down the whole log, rows are counted
by stretches.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, or_, select

from oneapi_app.models import Log, LogDetail, RelayFailure, User
from oneapi_app.models.log import CONSUME
from oneapi_app.usage_log.repository import stretches
from oneapi_app.usage_log.repository.sums import without_index
from oneapi_app.usage_log.schemas import LogFilter

_DAY_S = 86_400
_NARROW_S = 3 * _DAY_S
"""Time ranges up to this long are walked by time, whatever else is asked for."""
_DEEP = 200_000
"""Rows skipped beyond which the end of the log may be nearer than its beginning."""
_WINDOWS_S = (_DAY_S, 8 * _DAY_S, 64 * _DAY_S)


def insert(session: Session, row: Log) -> None:
    session.add(row)


def insert_failures(session: Session, rows: Sequence[RelayFailure]) -> None:
    session.add_all(rows)


def find_user_ids(session: Session, username: str) -> list[int]:
    return [found for found in session.exec(select(User.id).where(User.username == username)) if found]


def find_ids(session: Session, chosen: LogFilter, *, offset: int, limit: int, now: int) -> list[int]:
    """Ids of matching rows, newest first."""
    if chosen.type not in (0, CONSUME) and not chosen.start and chosen.user_id is None:
        for window in _WINDOWS_S:
            ids = _find_ids(session, chosen, now - window, offset, limit)
            if len(ids) == limit:
                return ids
    return _find_ids(session, chosen, chosen.start, offset, limit)


def _find_ids(session: Session, chosen: LogFilter, start: int, offset: int, limit: int) -> list[int]:
    conditions = _conditions(session, chosen, start)
    if not conditions and offset >= stretches.STRETCH:
        return _ids_of_all(session, offset, limit)
    by: list[Any] = [col(Log.created_at), col(Log.id)] if start or chosen.end else [col(Log.id)]
    newest = [column.desc() for column in by]
    if offset < _DEEP or offset * 2 < newest_id(session):
        return _ids(session, conditions, newest, offset, limit)
    total = session.exec(select(func.count()).select_from(Log).where(*conditions)).one()
    limit = min(limit, total - offset)
    if limit <= 0:
        return []
    return _ids(session, conditions, by, total - offset - limit, limit)[::-1]


def _ids_of_all(session: Session, offset: int, limit: int) -> list[int]:
    """Of the whole log, far down."""
    below, offset = stretches.find_place(session, offset)
    conditions = [] if below is None else [col(Log.id) < below]
    return _ids(session, conditions, [col(Log.id).desc()], offset, limit)


def _ids(session: Session, conditions: list[Any], order: list[Any], offset: int, limit: int) -> list[int]:
    statement = select(Log.id).where(*conditions).order_by(*order).offset(offset).limit(limit)
    return [found for found in session.exec(statement) if found]


def read_rows(session: Session, ids: Sequence[int]) -> list[Log]:
    """In the order of the ids."""
    if not ids:
        return []
    found = {row.id: row for row in session.exec(select(Log).where(col(Log.id).in_(ids)))}
    return [found[key] for key in ids if key in found]


def find_newer(session: Session, chosen: LogFilter, *, after_id: int, limit: int) -> list[int]:
    """Ids above ``after_id``, newest first."""
    conditions = [col(Log.id) > after_id, *_conditions(session, chosen, 0)]
    statement = select(Log.id).where(*conditions).order_by(col(Log.id).desc()).limit(limit)
    return [found for found in session.exec(statement) if found]


def count(session: Session, chosen: LogFilter, *, most: int) -> int:
    """How many match, counted no further than ``most``."""
    matching = select(Log.id).where(*_conditions(session, chosen, chosen.start)).limit(most).subquery()
    return session.exec(select(func.count()).select_from(matching)).one()


def _conditions(session: Session, chosen: LogFilter, start: int) -> list[ColumnElement[bool]]:
    narrow = bool(start) and (chosen.end or start + _NARROW_S) - start <= _NARROW_S
    conditions: list[ColumnElement[bool]] = []
    if start:
        conditions.append(col(Log.created_at) >= start)
    if chosen.end:
        conditions.append(col(Log.created_at) <= chosen.end)
    exact: list[tuple[Any, Any]] = [
        (Log.type, chosen.type or None),
        (Log.user_id, chosen.user_id),
        (Log.token_name, chosen.token_name or None),
        (Log.model_name, chosen.model_name or None),
        (Log.channel_id, chosen.channel or None),
        (Log.username, chosen.username or None),
        (Log.request_id, chosen.request_id or None),
    ]
    for column, value in exact:
        if value is not None:
            by_time = without_index(session, col(column)) if narrow else col(column)
            conditions.append(by_time == value)
    if chosen.user_ids:
        user = without_index(session, col(Log.user_id)) if narrow else col(Log.user_id)
        conditions.append(user.in_(chosen.user_ids))
    return conditions


def find_by_text(
    session: Session, *, type: int | None, prefix: str, user_id: int | None, limit: int
) -> list[Log]:
    """Rows of a type, or whose content begins so; newest first. Looks at every row in the worst case."""
    by_type = [] if type is None else [col(Log.type) == type]
    by_text = [col(Log.content).startswith(prefix, autoescape=True)] if prefix else []
    own = [] if user_id is None else [col(Log.user_id) == user_id]
    if not by_type and not by_text:
        return []
    statement = select(Log).where(*own, or_(*by_type, *by_text)).order_by(col(Log.id).desc()).limit(limit)
    return list(session.exec(statement))


def read_details(session: Session, request_ids: Iterable[str]) -> dict[str, LogDetail]:
    wanted = [request_id for request_id in request_ids if request_id]
    if not wanted:
        return {}
    found = session.exec(select(LogDetail).where(col(LogDetail.request_id).in_(wanted)))
    return {detail.request_id: detail for detail in found}


def oldest(session: Session) -> int | None:
    """When the oldest row was written; None while there is none."""
    return session.exec(select(func.min(Log.created_at))).one()


def newest_id(session: Session) -> int:
    return session.exec(select(func.max(Log.id))).one() or 0
