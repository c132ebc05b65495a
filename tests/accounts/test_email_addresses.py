"""Addresses on the three engines: MySQL calls some of them equal that are not."""

import pytest

from oneapi_app.accounts import codes, repository, service
from oneapi_app.accounts.contacts import root_email
from oneapi_app.accounts.schemas import Registration
from oneapi_app.actor import ROOT
from oneapi_app.errors import AppError
from oneapi_app.kit.database import Database
from oneapi_app.models import User
from oneapi_app.models.user import DELETED, DISABLED
from oneapi_app.options import OptionValues
from tests.support.people import add_user

VERIFYING = OptionValues({"EmailVerificationEnabled": "true"})


def add_person(database: Database, name: str, email: str, **fields: int) -> int:
    person = add_user(database, name, **fields)
    database.run_sync(lambda uow: setattr(uow.session.get(User, person.user_id), "email", email))
    return person.user_id


def passwords(database: Database) -> dict[str, bool]:
    """Who has got one."""
    return database.read_sync(
        lambda uow: {
            user.username: bool(user.password) for user in repository.in_order(uow.session, "", 0, 99)
        }
    )


def test_a_reset_is_for_exactly_this_address(database: Database):
    add_person(database, "amy", "mike@example.com")
    add_person(database, "bea", "mike@example.com")
    add_person(database, "cid", "MIKE@example.com")
    add_person(database, "dan", "mıke@example.com")
    add_person(database, "eve", "mike@example.com", status=DELETED)
    link = {"purpose": codes.PASSWORD_RESET, "address": "mike@example.com", "code": "t"}
    database.run_sync(codes.issue, **link)
    password = database.run_sync(service.reset_password, email="mike@example.com", token="t")
    assert len(password) == 12
    assert passwords(database) == {"amy": True, "bea": True, "cid": False, "dan": False}


def test_nobody_gets_a_link_for_an_address_that_only_looks_like_theirs(database: Database):
    add_person(database, "amy", "mike@example.com")
    found = database.read_sync(service.owners_of, "mıke@example.com")
    assert found == []


def test_a_verified_address_is_registered_once(database: Database):
    database.run_sync(codes.issue, purpose=codes.EMAIL, address="a@b.co", code="0a1b2c")
    person = Registration("one", "password-1", "a@b.co", "0a1b2c")
    made = database.run_sync(service.register, registration=person, options=VERIFYING)
    assert database.read_sync(lambda uow: uow.session.get(User, made).email) == "a@b.co"
    database.run_sync(codes.issue, purpose=codes.EMAIL, address="a@b.co", code="0a1b2c")
    again = Registration("two", "password-1", "a@b.co", "0a1b2c")
    with pytest.raises(AppError, match="in use already"):
        database.run_sync(service.register, registration=again, options=VERIFYING)


def test_who_is_told_of_the_site(database: Database):
    assert database.read_sync(root_email) == ""
    add_person(database, "amy", "amy@example.com")
    add_person(database, "off", "off@example.com", role=ROOT, status=DISABLED)
    add_person(database, "one", "", role=ROOT)
    assert database.read_sync(root_email) == ""
    add_person(database, "two", "two@example.com", role=ROOT)
    assert database.read_sync(root_email) == "two@example.com"
