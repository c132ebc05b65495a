"""SQL of users and their sessions."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, or_, update
from sqlmodel import Session, col, select

from oneapi_app.accounts.schemas import UserQuery
from oneapi_app.actor import ROOT
from oneapi_app.kit.paging import offset_of
from oneapi_app.models import Ability, LoginSession, User
from oneapi_app.models.user import DELETED, ENABLED

_SORTABLE = {
    "id": User.id,
    "username": User.username,
    "quota": User.quota,
    "used_quota": User.used_quota,
    "request_count": User.request_count,
    "role": User.role,
    "status": User.status,
}


def find(session: Session, user_id: int, *, lock: bool = False) -> User | None:
    """``lock`` keeps others from changing the row until the transaction ends."""
    return session.get(User, user_id, with_for_update=lock, populate_existing=lock)


def find_by_name(session: Session, username: str) -> User | None:
    return session.exec(select(User).where(User.username == username)).first()


def find_by_email(session: Session, email: str) -> list[User]:
    statement = select(User).where(User.email == email, col(User.status) != DELETED).order_by(col(User.id))
    return list(session.exec(statement).all())


def is_email_taken(session: Session, email: str, *, by_other_than: int = 0) -> bool:
    """Also by a deleted account, as in the original."""
    statement = select(User.id).where(User.email == email, col(User.id) != by_other_than).limit(1)
    return session.exec(statement).first() is not None


def roots(session: Session) -> Sequence[User]:
    """Enabled ones, the oldest first."""
    statement = select(User).where(col(User.role) >= ROOT, User.status == ENABLED).order_by(col(User.id))
    return session.exec(statement).all()


def find_by_access_token(session: Session, token: str) -> User | None:
    return session.exec(select(User).where(User.access_token == token)).first()


def find_by_identity(session: Session, column: str, identity: str) -> User | None:
    """By one of the columns github_id, wechat_id, lark_id, oidc_id; never for an empty identity.

    MySQL also finds identities that differ in case or accents: those are other people.
    """
    if not identity:
        return None
    statement = select(User).where(col(getattr(User, column)) == identity).order_by(col(User.id))
    return next((user for user in session.exec(statement) if getattr(user, column) == identity), None)


def find_by_aff_code(session: Session, code: str) -> User | None:
    return session.exec(select(User).where(User.aff_code == code)).first() if code else None


def highest_id(session: Session) -> int:
    return session.exec(select(func.max(User.id))).one() or 0


def in_order(session: Session, order: str, offset: int, limit: int) -> Sequence[User]:
    """Users who are not deleted, by one of the original's orders."""
    column = {"quota": User.quota, "used_quota": User.used_quota, "request_count": User.request_count}.get(
        order
    )
    statement = select(User).where(col(User.status) != DELETED)
    if column is not None:
        statement = statement.order_by(col(column).desc(), col(User.id))
    else:
        statement = statement.order_by(col(User.id).desc())
    return session.exec(statement.offset(offset).limit(limit)).all()


def _matching(keyword: str) -> ColumnElement[bool]:
    matches: list[ColumnElement[bool]] = [
        col(column).startswith(keyword, autoescape=True)
        for column in (User.username, User.email, User.display_name)
    ]
    if keyword.isdecimal() and len(keyword) < 18:
        matches.append(col(User.id) == int(keyword))
    return or_(*matches)


def search(session: Session, keyword: str) -> Sequence[User]:
    return session.exec(select(User).where(_matching(keyword)).order_by(col(User.id))).all()


def page(session: Session, query: UserQuery) -> tuple[Sequence[User], int]:
    conditions: list[ColumnElement[bool]] = [col(User.status) != DELETED]
    if query.search:
        conditions.append(_matching(query.search))
    for column, value in ((User.status, query.status), (User.role, query.role), (User.group, query.group)):
        if value:
            conditions.append(col(column) == value)
    total = session.exec(select(func.count()).select_from(User).where(*conditions)).one()
    column = col(_SORTABLE.get(query.sort.lstrip("-"), User.id))
    order = column.desc() if query.sort.startswith("-") else column.asc()
    statement = select(User).where(*conditions).order_by(order, col(User.id).desc())
    return session.exec(statement.offset(offset_of(query.page, query.size)).limit(query.size)).all(), total


def add_quota(session: Session, user_id: int, units: int) -> bool:
    """False where there is no such user."""
    statement = update(User).where(col(User.id) == user_id).values(quota=func.coalesce(User.quota, 0) + units)
    return session.exec(statement).rowcount > 0


def models_of_group(session: Session, group: str) -> list[str]:
    statement = select(Ability.model).where(Ability.group == group, col(Ability.enabled) == True)  # noqa: E712
    return sorted(set(session.exec(statement).all()))


def end_sessions(session: Session, user_id: int, *, but: str | None = None) -> None:
    statement = delete(LoginSession).where(col(LoginSession.user_id) == user_id)
    if but is not None:
        statement = statement.where(col(LoginSession.id) != but)
    session.exec(statement)


def sessions_of(session: Session, user_id: int) -> Sequence[LoginSession]:
    statement = select(LoginSession).where(LoginSession.user_id == user_id)
    return session.exec(statement.order_by(col(LoginSession.seen_at).desc())).all()


def forget_expired_sessions(session: Session, now: int) -> None:
    session.exec(delete(LoginSession).where(col(LoginSession.expires_at) < now))
