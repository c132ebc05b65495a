"""The root account of a first start."""

import dataclasses

import pytest
from sqlmodel import select

from oneapi_app.bootstrap import prepare
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import Database
from oneapi_app.kit.passwords import verify_password
from oneapi_app.models import Token, User
from oneapi_app.settings import Settings


def everyone(database: Database) -> list[User]:
    return list(database.read_sync(lambda uow: uow.session.exec(select(User)).all()))


def tokens(database: Database) -> list[Token]:
    return list(database.read_sync(lambda uow: uow.session.exec(select(Token)).all()))


def test_root_is_made_once(database: Database, database_settings: Settings) -> None:
    assert prepare(database, database_settings) is True
    assert prepare(database, database_settings) is False
    (root,) = everyone(database)
    assert verify_password("123456", root.password)
    assert root.password.startswith("$2a$10$")
    read = root.model_dump(exclude={"password", "access_token"})
    assert read == {
        "id": 1,
        "username": "root",
        "display_name": "Root User",
        "role": 100,
        "status": 1,
        "email": "",
        "github_id": "",
        "wechat_id": "",
        "lark_id": "",
        "oidc_id": "",
        "quota": 500_000_000_000_000,
        "used_quota": 0,
        "request_count": 0,
        "group": "default",
        "aff_code": "",
        "inviter_id": 0,
    }
    assert len(root.access_token or "") == 32
    assert tokens(database) == []


def test_what_the_environment_may_set(database: Database, database_settings: Settings) -> None:
    settings = dataclasses.replace(
        database_settings,
        initial_root_token="sk-abc123",
        initial_root_access_token="0123456789abcdef",
        initial_root_password="Much-better-1",
    )
    assert prepare(database, settings)
    (root,) = everyone(database)
    assert verify_password("Much-better-1", root.password)
    assert root.access_token == "0123456789abcdef"
    (token,) = tokens(database)
    assert (token.id, token.user_id, token.name, token.key) == (1, root.id, "Initial Root Token", "abc123")
    assert (token.status, token.expired_time, token.unlimited_quota) == (1, -1, True)
    assert token.remain_quota == 500_000_000_000_000


def test_existing_users_are_left_alone(database: Database, database_settings: Settings) -> None:
    def add(uow) -> None:
        uow.session.add(User(username="somebody", password="", status=2, access_token="x", aff_code="y"))

    database.run_sync(add)
    settings = dataclasses.replace(database_settings, initial_root_token="not-valid-but-unused")
    assert prepare(database, settings) is False
    assert [user.username for user in everyone(database)] == ["somebody"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial_root_token": "sk-with-dashes"},
        {"initial_root_token": "sk-"},
        {"initial_root_token": "x" * 49},
        {"initial_root_access_token": "x" * 33},
        {"initial_root_password": "x" * 73},
    ],
)
def test_a_wrong_setting_is_named_and_nothing_written(
    database: Database, database_settings: Settings, wrong
) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong)).upper()):
        prepare(database, dataclasses.replace(database_settings, **wrong))
    assert everyone(database) == []
