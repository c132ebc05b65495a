"""Redemption codes in the database: statements only."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, delete, or_, select, update

from oneapi_app.models import Redeemer, Redemption, User
from oneapi_app.models.redemption import ENABLED, USED

_SORTABLE = {
    "id": Redemption.id,
    "name": Redemption.name,
    "status": Redemption.status,
    "quota": Redemption.quota,
    "created_time": Redemption.created_time,
    "redeemed_time": Redemption.redeemed_time,
}


def insert(session: Session, rows: Sequence[Redemption]) -> None:
    session.add_all(rows)
    session.flush()


def find(session: Session, redemption_id: int) -> Redemption | None:
    return session.exec(
        select(Redemption).where(Redemption.id == redemption_id).execution_options(populate_existing=True)
    ).first()


def find_key(session: Session, key: str) -> Redemption | None:
    return session.exec(
        select(Redemption).where(Redemption.key == key).execution_options(populate_existing=True)
    ).first()


def list_newest(session: Session, *, offset: int, limit: int) -> Sequence[Redemption]:
    return session.exec(
        select(Redemption).order_by(col(Redemption.id).desc()).offset(offset).limit(limit)
    ).all()


def find_named(session: Session, *, prefix: str, redemption_id: int | None) -> Sequence[Redemption]:
    condition: ColumnElement[bool] = col(Redemption.name).startswith(prefix, autoescape=True)
    if redemption_id is not None:
        condition = or_(condition, col(Redemption.id) == redemption_id)
    return session.exec(select(Redemption).where(condition).order_by(col(Redemption.id))).all()


def list_page(
    session: Session,
    *,
    search: str,
    redemption_id: int | None,
    status: int,
    sort: str,
    offset: int,
    limit: int,
) -> tuple[Sequence[Redemption], int]:
    conditions: list[ColumnElement[bool]] = []
    if search:
        matches = [
            func.lower(col(Redemption.name)).contains(search.lower(), autoescape=True),
            col(Redemption.key) == search,
        ]
        if redemption_id is not None:
            matches.append(col(Redemption.id) == redemption_id)
        conditions.append(or_(*matches))
    if status:
        conditions.append(col(Redemption.status) == status)
    total = session.exec(select(func.count()).select_from(Redemption).where(*conditions)).one()
    column: Any = col(_SORTABLE.get(sort.removeprefix("-"), Redemption.id))
    order = column.desc() if sort.startswith("-") else column.asc()
    rows = session.exec(
        select(Redemption)
        .where(*conditions)
        .order_by(order, col(Redemption.id).desc())
        .offset(offset)
        .limit(limit)
    ).all()
    return rows, total


def claim(session: Session, redemption_id: int, now: int) -> bool:
    """Marks an enabled code as used; False where somebody was faster. Holds the row until the transaction ends."""
    claimed = session.exec(
        update(Redemption)
        .where(col(Redemption.id) == redemption_id, col(Redemption.status) == ENABLED)
        .values(status=USED, redeemed_time=now)
    )
    return claimed.rowcount == 1


def add_user_quota(session: Session, user_id: int, quota: int) -> bool:
    """False where there is no such user."""
    statement = update(User).where(col(User.id) == user_id)
    return session.exec(statement.values(quota=func.coalesce(User.quota, 0) + quota)).rowcount == 1


def change(session: Session, redemption_id: int, values: dict[str, Any]) -> None:
    session.exec(update(Redemption).where(col(Redemption.id) == redemption_id).values(**values))


def remove(session: Session, redemption_id: int) -> bool:
    return session.exec(delete(Redemption).where(col(Redemption.id) == redemption_id)).rowcount > 0


def remove_used(session: Session) -> int:
    return session.exec(delete(Redemption).where(col(Redemption.status) == USED)).rowcount


def note_redeemer(session: Session, redemption_id: int, user_id: int) -> None:
    """Ids of deleted codes come back on SQLite, hence no plain insert."""
    session.merge(Redeemer(redemption_id=redemption_id, user_id=user_id))


def redeemers(session: Session, redemption_ids: Sequence[int]) -> dict[int, str]:
    """Code to the name of who redeemed it."""
    if not redemption_ids:
        return {}
    found = session.exec(
        select(Redeemer.redemption_id, User.username)
        .join(User, col(User.id) == col(Redeemer.user_id))
        .where(col(Redeemer.redemption_id).in_(redemption_ids))
    )
    return {key: name or "" for key, name in found}
