"""The shared fixtures give what they promise, twice in a row."""

import pytest
from sqlmodel import select

from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models import User


def _add_user(uow: UnitOfWork) -> int:
    user = User(username="a", password="x", access_token="t", aff_code="c")
    uow.session.add(user)
    uow.session.flush()
    return user.id or 0


@pytest.mark.parametrize("round", [1, 2])
async def test_any_database_is_migrated_and_empty(database: Database, round: int) -> None:
    assert database.read_sync(lambda uow: list(uow.session.exec(select(User)))) == []
    assert await database.run(_add_user) == 1
    assert await database.read(lambda uow: len(list(uow.session.exec(select(User))))) == 1


def test_redis_is_empty(redis_url: str) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
