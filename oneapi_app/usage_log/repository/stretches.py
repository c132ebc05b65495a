"""How many rows each stretch of ids holds: a page far down the log is found by adding, not by walking there.

Kept among the marks. A stretch is counted when it is over; rows that are deleted are taken off. What another program
deletes is noticed at the next start, when everything is counted anew.
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import func, update
from sqlmodel import Session, col, delete, select

from oneapi_app.models import Log, UsageMark

STRETCH = 20_000
"""Ids. The newest two stretches are never counted: a transaction under way may still add to them."""
_PREFIX = "rows of stretch "


def _name(number: int) -> str:
    return f"{_PREFIX}{number:015d}"


def count_next(session: Session) -> bool:
    """Counts the next stretch that is over; False where there is none."""
    newest = session.exec(select(func.max(Log.id))).one() or 0
    last = session.exec(select(func.max(UsageMark.name)).where(col(UsageMark.name).startswith(_PREFIX))).one()
    start = 0 if last is None else (_number(last) + 1) * STRETCH
    first = session.exec(select(func.min(Log.id)).where(col(Log.id) >= start)).one()
    if first is None or (first // STRETCH + 2) * STRETCH > newest:
        return False
    number = first // STRETCH
    session.merge(
        UsageMark(name=_name(number), value=_count(session, number * STRETCH, (number + 1) * STRETCH))
    )
    return True


def forget(session: Session) -> None:
    """Everything will be counted anew."""
    session.exec(delete(UsageMark).where(col(UsageMark.name).startswith(_PREFIX)))


def take_off(session: Session, ids: Iterable[int]) -> None:
    """These rows have just been deleted. Where the newest ones went, ids may come back: nothing is known of those."""
    for number, rows in Counter(key // STRETCH for key in ids).items():
        session.exec(
            update(UsageMark).where(col(UsageMark.name) == _name(number)).values(value=UsageMark.value - rows)
        )
    newest = session.exec(select(func.max(Log.id))).one() or 0
    known = col(UsageMark.name).startswith(_PREFIX)
    session.exec(delete(UsageMark).where(known, col(UsageMark.name) >= _name(newest // STRETCH)))


def find_place(session: Session, offset: int) -> tuple[int | None, int]:
    """Where the row is that ``offset`` newer ones stand before: below which id, and how many further down from there."""
    found = session.exec(
        select(UsageMark).where(col(UsageMark.name).startswith(_PREFIX)).order_by(col(UsageMark.name).desc())
    ).all()
    if not found:
        return None, offset
    top = (_number(found[0].name) + 1) * STRETCH
    newer = session.exec(select(func.count()).select_from(Log).where(col(Log.id) >= top)).one()
    if offset < newer:
        return None, offset
    offset -= newer
    for mark in found:
        if offset < mark.value:
            return (_number(mark.name) + 1) * STRETCH, offset
        offset -= mark.value
    return 0, 0


def _number(name: str) -> int:
    return int(name.removeprefix(_PREFIX))


def _count(session: Session, start: int, end: int) -> int:
    return session.exec(
        select(func.count()).select_from(Log).where(col(Log.id) >= start, col(Log.id) < end)
    ).one()
