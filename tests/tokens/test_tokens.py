"""One's own tokens: what may be written, who may see them, and what the relay is told."""

import dataclasses

import pytest

from oneapi_app.actor import ROOT
from oneapi_app.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound
from oneapi_app.events import BalanceChanged, TokenChanged
from oneapi_app.kit.clock import now_s
from oneapi_app.models import Token
from oneapi_app.tokens import policy, service
from oneapi_app.tokens.schemas import TokenDraft, TokenQuery
from tests.support.people import add_user


@pytest.fixture
def amy(database):
    return add_user(database, "amy", quota=100)


def create(database, actor, **fields):
    return database.run_sync(service.create, actor, draft=TokenDraft(**fields))


def stored(database, token_id):
    return database.read_sync(lambda uow: uow.session.get(Token, token_id))


def test_missing_fields_become_what_the_original_stores(database, amy):
    token = create(database, amy, name="a1")
    assert (token.status, token.expired_time, token.remain_quota, token.unlimited_quota) == (1, -1, 0, False)
    assert (token.models, token.subnet, token.used_quota) == (None, "", 0)
    assert len(token.key) == 48


def test_a_full_update_writes_zero_values_and_nothing_else(database, amy):
    token = create(database, amy, name="a", remain_quota=5, models="gpt-4o", subnet="10.0.0.0/8")
    changed = database.run_sync(
        service.update, amy, token_id=token.id, draft=TokenDraft(name="b", expired_time=-1, remain_quota=0)
    )
    assert (changed.name, changed.remain_quota, changed.models, changed.subnet) == ("b", 0, None, None)
    assert (changed.key, changed.status) == (token.key, 1)


def test_the_balance_may_be_left_alone(database, amy):
    token = create(database, amy, name="a", remain_quota=5)
    changed = database.run_sync(service.update, amy, token_id=token.id, draft=TokenDraft(name="b"))
    assert changed.remain_quota == 5


@pytest.mark.parametrize("name", ["n" * 31, "令" * 11, "a\0b", "\ud800"])
def test_names_that_cannot_be_stored_are_refused(database, name):
    with pytest.raises(InvalidInput):
        create(database, add_user(database, "amy"), name=name)


@pytest.mark.parametrize(
    "subnet", ["10.0.0.0", "10.0.0.0/8, nonsense", "10.0.0.0/33", "::/129", "10.0.0.0/255.0.0.0", "/8"]
)
def test_only_networks_in_cidr_form_are_subnets(database, subnet):
    with pytest.raises(InvalidInput, match="network"):
        create(database, add_user(database, "amy"), name="s", subnet=subnet)


@pytest.mark.parametrize(
    "subnet", ["10.0.0.0/8", "10.1.2.3/8, 192.168.1.0/24", "fd00::/8", "::ffff:10.0.0.0/104"]
)
def test_networks(subnet):
    policy.check_subnets(subnet)


def test_a_negative_quota_is_refused_unless_it_was_there_or_means_nothing(database, amy):
    with pytest.raises(InvalidInput):
        create(database, amy, name="neg", remain_quota=-5)
    token = database.run_sync(service.create_default_token, amy.user_id)
    assert (token.remain_quota, token.unlimited_quota, token.name) == (-1, True, "default")
    draft = TokenDraft(name="renamed", expired_time=-1, remain_quota=-1, unlimited_quota=True)
    assert database.run_sync(service.update, amy, token_id=token.id, draft=draft).name == "renamed"
    with pytest.raises(InvalidInput):
        draft = TokenDraft(name="renamed", remain_quota=-2)
        database.run_sync(service.update, amy, token_id=token.id, draft=draft)


def test_others_tokens_do_not_exist(database, amy):
    token = create(database, amy, name="mine")
    ben, root = add_user(database, "ben"), add_user(database, "root", role=ROOT)
    for stranger in (ben, root):
        for call in (
            lambda uow, s=stranger: service.get_own(uow, s, token_id=token.id),
            lambda uow, s=stranger: service.update(uow, s, token_id=token.id, draft=TokenDraft(name="x")),
            lambda uow, s=stranger: service.set_status(uow, s, token_id=token.id, status=2),
            lambda uow, s=stranger: service.delete(uow, s, token_id=token.id),
        ):
            with pytest.raises(NotFound):
                database.run_sync(call)
        assert database.read_sync(service.list_own, stranger) == []
        assert database.read_sync(service.search_own, stranger, prefix="m") == []
        assert database.read_sync(service.page_own, stranger, query=TokenQuery()).total == 0
    assert stored(database, token.id).name == "mine"


def test_nothing_works_before_the_initial_password_is_changed(database):
    root = dataclasses.replace(add_user(database, "root", role=ROOT), must_change_password=True)
    for call in (
        lambda uow: service.list_own(uow, root),
        lambda uow: service.create(uow, root, draft=TokenDraft(name="x")),
        lambda uow: service.delete(uow, root, token_id=1),
    ):
        with pytest.raises(Forbidden):
            database.run_sync(call)


def test_expired_and_exhausted_tokens_are_not_switched_on(database, amy):
    past = create(database, amy, name="past", expired_time=1700000000)
    database.run_sync(service.mark_expired, past.id)
    assert stored(database, past.id).status == 3
    empty = create(database, amy, name="empty")
    database.run_sync(service.mark_exhausted, empty.id)
    assert stored(database, empty.id).status == 4
    for token in (past, empty):
        with pytest.raises(Conflict):
            database.run_sync(service.set_status, amy, token_id=token.id, status=1)
    database.run_sync(service.update, amy, token_id=empty.id, draft=TokenDraft(name="full", remain_quota=5))
    assert stored(database, empty.id).status == 4
    assert database.run_sync(service.set_status, amy, token_id=empty.id, status=1).status == 1


def test_marking_looks_again(database, amy):
    """What the relay saw a moment ago may have been changed since."""
    token = create(database, amy, name="fine", remain_quota=5)
    database.run_sync(service.mark_exhausted, token.id)
    database.run_sync(service.mark_expired, token.id)
    assert stored(database, token.id).status == 1


def test_states_the_original_does_not_know_are_never_stored(database):
    amy = add_user(database, "amy")
    token = create(database, amy, name="a")
    for status in (0, 5, -1):
        with pytest.raises(AppError):
            database.run_sync(service.set_status, amy, token_id=token.id, status=status)


def test_orders(database, amy):
    for name, remain, unlimited in (("a", 5, False), ("b", 0, True), ("c", 50, False), ("d", 5, False)):
        create(database, amy, name=name, remain_quota=remain, unlimited_quota=unlimited)

    def names(**how):
        return "".join(t.name for t in database.read_sync(service.list_own, amy, **how))

    assert names() == "dcba"
    assert names(order="remain_quota") == "bcad"
    assert names(order="used_quota") == "abcd"
    assert names(page=1) == ""
    assert names(page=-3) == "dcba"


def test_pages_of_the_console(database, amy):
    for number in range(25):
        create(database, amy, name=f"Token {number}", remain_quota=number)
    query = TokenQuery(page=1, size=10, search="TOKEN", sort="-remain_quota")
    found = database.read_sync(service.page_own, amy, query=query)
    assert found.total == 25
    assert [row.remain_quota for row in found.rows] == list(range(14, 4, -1))
    assert database.read_sync(service.page_own, amy, query=TokenQuery(search="%")).total == 0
    assert database.read_sync(service.page_own, amy, query=TokenQuery(status=2)).total == 0


def test_search_takes_wildcards_literally(database, amy):
    for name in ("100%", "1000", "a_b", "aXb"):
        create(database, amy, name=name)

    def found(prefix):
        return [t.name for t in database.read_sync(service.search_own, amy, prefix=prefix)]

    assert found("100%") == ["100%"]
    assert found("a_") == ["a_b"]
    assert found("%") == []
    assert found("a\0") == []


def test_the_caller_of_a_key(database, amy):
    token = create(database, amy, name="a", models="gpt-4o, gpt-4o-mini", subnet="10.0.0.0/8", remain_quota=7)
    caller = database.read_sync(service.load_caller, token.key)
    assert (caller.token_id, caller.user_id, caller.username) == (token.id, amy.user_id, "amy")
    assert (caller.models, caller.subnets) == (("gpt-4o", "gpt-4o-mini"), ("10.0.0.0/8",))
    assert (caller.remain_quota, caller.unlimited, caller.status, caller.user_status) == (7, False, 1, 1)
    assert (caller.role, caller.group, caller.expired_time) == (1, "default", -1)


@pytest.mark.parametrize(
    "spoil", [str.swapcase, lambda key: key + " ", lambda key: key[:-1], lambda _: "", lambda _: "\0"]
)
def test_a_key_is_compared_exactly(database, amy, spoil):
    token = create(database, amy, name="a")
    assert database.read_sync(service.load_caller, spoil(token.key)) is None


def test_tokens_that_need_attention(database, amy):
    now = now_s()
    create(database, amy, name="soon", expired_time=now + 60, unlimited_quota=True)
    create(database, amy, name="later", expired_time=now + 10**6, unlimited_quota=True)
    create(database, amy, name="low", remain_quota=3)
    create(database, amy, name="fine", remain_quota=300)
    found = database.read_sync(service.list_needing_attention, amy, within_s=3600, low_quota=5)
    assert {token.name for token in found} == {"soon", "low"}


async def test_caches_and_ledger_hear_of_changes(database):
    amy = add_user(database, "amy")
    heard = []

    async def listen(events):
        heard.extend(events)

    database.subscribe(listen)
    token = await database.run(service.create, amy, draft=TokenDraft(name="a", remain_quota=5))
    changed = TokenChanged(token.id, token.key)
    await database.run(service.update, amy, token_id=token.id, draft=TokenDraft(name="b", remain_quota=5))
    assert heard == [changed, changed]
    await database.run(service.update, amy, token_id=token.id, draft=TokenDraft(name="b", remain_quota=6))
    assert heard[2:] == [changed, BalanceChanged(token_id=token.id)]
    await database.run(service.set_status, amy, token_id=token.id, status=2)
    await database.run(service.delete, amy, token_id=token.id)
    assert heard[4:] == [changed, changed]


def test_a_colliding_key_is_drawn_again(database, monkeypatch):
    amy = add_user(database, "amy")
    first = create(database, amy, name="a")
    keys = iter([first.key, first.key, "k" * 48])
    monkeypatch.setattr(service, "token_key", lambda: next(keys))
    assert create(database, amy, name="b").key == "k" * 48
