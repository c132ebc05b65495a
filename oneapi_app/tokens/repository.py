"""Tokens in the database: statements only, no rules and no events."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, and_, col, delete, or_, select, update

from oneapi_app.models import Token, User
from oneapi_app.models.token import ENABLED, EXHAUSTED, EXPIRED, NEVER_EXPIRES

_SORTABLE = {
    "id": Token.id,
    "name": Token.name,
    "status": Token.status,
    "used_quota": Token.used_quota,
    "created_time": Token.created_time,
    "accessed_time": Token.accessed_time,
    "expired_time": Token.expired_time,
}


def _limited() -> ColumnElement[bool]:
    """NULL, as rows of older versions have it, counts as limited."""
    unlimited = col(Token.unlimited_quota)
    return or_(unlimited.is_(None), unlimited.in_((False,)))


def find_caller(session: Session, key: str) -> tuple[Token, User] | None:
    found = session.exec(
        select(Token, User).join(User, col(User.id) == col(Token.user_id)).where(Token.key == key)
    ).first()
    return (found[0], found[1]) if found else None


def find_with_owner(session: Session, token_id: int) -> tuple[Token, User] | None:
    found = session.exec(
        select(Token, User).join(User, col(User.id) == col(Token.user_id)).where(Token.id == token_id)
    ).first()
    return (found[0], found[1]) if found else None


def insert(session: Session, token: Token) -> bool:
    """False where the key exists already; nothing is written then."""
    try:
        with session.begin_nested():
            session.add(token)
            session.flush()
    except IntegrityError:
        return False
    session.refresh(token)  # the original answers with what the column defaults made of zero values
    return True


def find_own(session: Session, user_id: int, token_id: int) -> Token | None:
    return session.exec(
        select(Token)
        .where(Token.id == token_id, Token.user_id == user_id)
        .execution_options(populate_existing=True)
    ).first()


def update_own(session: Session, user_id: int, token_id: int, values: dict[str, Any]) -> None:
    session.exec(
        update(Token).where(col(Token.id) == token_id, col(Token.user_id) == user_id).values(**values)
    )


def delete_own(session: Session, user_id: int, token_id: int) -> None:
    session.exec(delete(Token).where(col(Token.id) == token_id, col(Token.user_id) == user_id))


def list_in_order(session: Session, user_id: int, order: str, *, offset: int, limit: int) -> Sequence[Token]:
    """``order`` as the REST API knows it: ``remain_quota``, ``used_quota``, anything else newest first."""
    by: tuple[Any, ...] = (col(Token.id).desc(),)
    if order == "remain_quota":
        by = (col(Token.unlimited_quota).desc(), col(Token.remain_quota).desc(), col(Token.id))
    elif order == "used_quota":
        by = (col(Token.used_quota).desc(), col(Token.id))
    return session.exec(
        select(Token).where(Token.user_id == user_id).order_by(*by).offset(offset).limit(limit)
    ).all()


def find_named(session: Session, user_id: int, prefix: str) -> Sequence[Token]:
    return session.exec(
        select(Token)
        .where(Token.user_id == user_id, col(Token.name).startswith(prefix, autoescape=True))
        .order_by(col(Token.id))
    ).all()


def list_page(
    session: Session, user_id: int, *, search: str, status: int, sort: str, offset: int, limit: int
) -> tuple[Sequence[Token], int]:
    conditions: list[ColumnElement[bool]] = [col(Token.user_id) == user_id]
    if search:
        conditions.append(func.lower(col(Token.name)).contains(search.lower(), autoescape=True))
    if status:
        conditions.append(col(Token.status) == status)
    total = session.exec(select(func.count()).select_from(Token).where(*conditions)).one()
    rows = session.exec(
        select(Token).where(*conditions).order_by(*_order(sort)).offset(offset).limit(limit)
    ).all()
    return rows, total


def _order(sort: str) -> tuple[Any, ...]:
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name == "remain_quota":
        columns = [col(Token.unlimited_quota), col(Token.remain_quota)]
    else:
        columns = [col(_SORTABLE.get(name, Token.id))]
    by = [column.desc() if descending else column.asc() for column in columns]
    return (*by, col(Token.id).desc())


def list_needing_attention(
    session: Session, user_id: int, *, expires_before: int, now: int, low_quota: int, limit: int
) -> Sequence[Token]:
    """Enabled tokens that will expire before then, or have at most ``low_quota`` left."""
    return session.exec(
        select(Token)
        .where(
            Token.user_id == user_id,
            Token.status == ENABLED,
            or_(
                and_(
                    col(Token.expired_time) != NEVER_EXPIRES,
                    col(Token.expired_time) > now,
                    col(Token.expired_time) < expires_before,
                ),
                and_(_limited(), col(Token.remain_quota) <= low_quota),
            ),
        )
        .order_by(col(Token.id).desc())
        .limit(limit)
    ).all()


def expire(session: Session, token_id: int, now: int) -> str | None:
    """Marks an enabled token that is past its time; its key, or None where there was nothing to mark."""
    return _mark(
        session,
        token_id,
        EXPIRED,
        and_(col(Token.expired_time) != NEVER_EXPIRES, col(Token.expired_time) < now),
    )


def exhaust(session: Session, token_id: int) -> str | None:
    """Marks an enabled, limited token that has nothing left; its key, or None."""
    return _mark(
        session,
        token_id,
        EXHAUSTED,
        and_(_limited(), col(Token.remain_quota) <= 0),
    )


def _mark(session: Session, token_id: int, status: int, condition: ColumnElement[bool]) -> str | None:
    marked = session.exec(
        update(Token)
        .where(col(Token.id) == token_id, col(Token.status) == ENABLED, condition)
        .values(status=status)
    )
    if marked.rowcount == 0:
        return None
    return session.exec(select(Token.key).where(Token.id == token_id)).first()
