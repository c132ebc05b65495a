"""Whose GitHub account this is, by number rather than by login.

``users.github_id`` holds logins, as the original reads and writes them; but a login can be given up and taken by
somebody else. The number that belongs to it is kept beside, from the first sign-in on. See
docs/adr/0012-third-party-sign-in.md.
"""

from sqlalchemy import delete
from sqlmodel import Session, col, select

from oneapi_app.accounts import repository
from oneapi_app.models import GitHubAccount, User


def find_owner(session: Session, number: int, login: str) -> User | None:
    """The user this account is bound to, with the login and number on record brought up to date."""
    known = session.get(GitHubAccount, number)
    owner = _owner_on_record(session, known)
    if owner is None:
        owner = _owner_by_login(session, login)
    if owner is not None:
        remember(session, owner, number, login)
    return owner


def remember(session: Session, user: User, number: int, login: str) -> None:
    """Binds the account to this user, in place of any other."""
    forget(session, user)
    session.exec(delete(GitHubAccount).where(col(GitHubAccount.account_id) == number))
    session.flush()
    session.add(GitHubAccount(account_id=number, user_id=user.id or 0, login=login))
    user.github_id = login


def forget(session: Session, user: User) -> None:
    session.exec(delete(GitHubAccount).where(col(GitHubAccount.user_id) == (user.id or 0)))
    user.github_id = ""


def _owner_on_record(session: Session, known: GitHubAccount | None) -> User | None:
    """Nobody where an admin, or the original, has bound the user otherwise since."""
    user = repository.find(session, known.user_id) if known else None
    return user if user is not None and known is not None and user.github_id == known.login else None


def _owner_by_login(session: Session, login: str) -> User | None:
    """A user bound before numbers were kept. One whose number is known had this login once, and has it no more."""
    user = repository.find_by_identity(session, "github_id", login)
    if user is None:
        return None
    known = session.exec(select(GitHubAccount).where(GitHubAccount.user_id == user.id)).first()
    if known is None or known.login != user.github_id:
        return user
    known.login = user.github_id = ""  # still theirs by number; their next sign-in brings the new login
    return None
