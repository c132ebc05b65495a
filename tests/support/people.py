"""Users in a test's database, and the actors they are."""

from oneapi_app.actor import COMMON, Actor
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models import User


def add_user(database: Database, name: str, *, role: int = COMMON, quota: int = 0, status: int = 1) -> Actor:
    """A stored user without a password."""

    def insert(uow: UnitOfWork) -> int:
        user = User(username=name, role=role, quota=quota, status=status, aff_code=name, access_token=name)
        uow.session.add(user)
        uow.session.flush()
        assert user.id is not None
        return user.id

    return Actor(database.run_sync(insert), name, role, "default")


def quota_of(database: Database, actor: Actor) -> int | None:
    return database.read_sync(lambda uow: uow.session.get(User, actor.user_id).quota)
