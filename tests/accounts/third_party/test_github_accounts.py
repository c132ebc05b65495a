"""A GitHub account is its number. The login stays in ``users.github_id``, where the original looks for it."""

import pytest
from sqlmodel import select

from oneapi_app.accounts.third_party import service
from oneapi_app.accounts.third_party.identity import GITHUB, LARK, Identity
from oneapi_app.errors import Conflict, InvalidInput
from oneapi_app.models import GitHubAccount, User
from oneapi_app.options import OptionValues
from tests.support.people import add_user

OPTIONS = OptionValues({})


def come(number, login):
    return Identity(GITHUB, login, number=number)


def sign_in(database, number, login):
    return database.run_sync(service.sign_in, identity=come(number, login), options=OPTIONS).user.id


def login_of(database, user_id):
    return database.read_sync(lambda uow: uow.session.get(User, user_id).github_id)


def set_login(database, user_id, login):
    def save(uow):
        uow.session.get(User, user_id).github_id = login

    database.run_sync(save)


@pytest.fixture
def amy(database):
    """A user the original bound to the login "amy"."""
    actor = add_user(database, "amy")
    set_login(database, actor.user_id, "amy")
    return actor


def test_a_user_of_the_original_is_found_by_login_and_then_by_number(database, amy):
    assert sign_in(database, 7, "amy") == amy.user_id
    assert sign_in(database, 7, "amy-renamed") == amy.user_id
    assert login_of(database, amy.user_id) == "amy-renamed"


def test_whoever_takes_over_a_login_does_not_take_over_the_account(database, amy):
    sign_in(database, 7, "amy")
    stranger = sign_in(database, 8, "amy")
    assert stranger != amy.user_id
    assert login_of(database, stranger) == "amy"
    assert login_of(database, amy.user_id) == ""  # the original would let the stranger in
    assert sign_in(database, 7, "amy2") == amy.user_id
    assert sign_in(database, 8, "amy") == stranger


def test_logins_that_were_swapped(database, amy):
    bob = sign_in(database, 8, "bob")
    sign_in(database, 7, "amy")
    assert sign_in(database, 7, "bob") == amy.user_id
    assert sign_in(database, 8, "amy") == bob
    assert (login_of(database, amy.user_id), login_of(database, bob)) == ("bob", "amy")


def test_a_login_that_differs_in_case_is_somebody_else(database, amy):
    assert sign_in(database, 9, "Amy") != amy.user_id


def test_what_an_admin_or_the_original_binds_counts(database, amy):
    sign_in(database, 7, "amy")
    set_login(database, amy.user_id, "other")
    assert sign_in(database, 9, "other") == amy.user_id
    assert sign_in(database, 7, "amy") != amy.user_id


def test_binding_replaces_and_unbinding_frees(database, amy):
    sign_in(database, 7, "amy")
    database.run_sync(service.bind, amy, identity=come(10, "amy-work"))
    kept = database.read_sync(lambda uow: uow.session.exec(select(GitHubAccount)).all())
    assert [(account.account_id, account.login) for account in kept] == [(10, "amy-work")]
    assert login_of(database, amy.user_id) == "amy-work"
    with pytest.raises(Conflict, match="password"):
        database.run_sync(service.unbind, amy, provider="github")
    database.run_sync(service.bind, amy, identity=Identity(LARK, "ou"))
    database.run_sync(service.unbind, amy, provider="github")
    assert sign_in(database, 10, "amy-work") != amy.user_id
    with pytest.raises(InvalidInput):
        database.run_sync(service.unbind, amy, provider="password")


def test_an_account_of_another_user_cannot_be_bound(database, amy):
    sign_in(database, 7, "amy")
    bob = add_user(database, "bob")
    with pytest.raises(Conflict, match="bound"):
        database.run_sync(service.bind, bob, identity=come(7, "amy"))
    database.run_sync(service.bind, amy, identity=come(7, "amy"))


@pytest.mark.parametrize("subject", ["", "x" * 192, "a\0b"])
def test_identities_that_cannot_be_told_apart_are_refused(subject):
    with pytest.raises(InvalidInput):
        Identity(LARK, subject)
