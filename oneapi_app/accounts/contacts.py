"""Where mail to somebody goes."""

from oneapi_app.accounts import repository
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.models.user import ENABLED


def email_of(uow: UnitOfWork, user_id: int) -> str:
    """Empty where there is none, or the account may not act."""
    user = repository.find(uow.session, user_id)
    return (user.email or "") if user is not None and user.status == ENABLED else ""


def root_email(uow: UnitOfWork) -> str:
    """Of the first root who has one; empty where none has."""
    return next((user.email for user in repository.roots(uow.session) if user.email), "")
