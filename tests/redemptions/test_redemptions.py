"""Codes: who may make them, and that each is worth its quota exactly once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from oneapi_app.actor import ADMIN
from oneapi_app.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound
from oneapi_app.events import BalanceChanged
from oneapi_app.models import Log, Redemption
from oneapi_app.options import OptionValues
from oneapi_app.redemptions import service
from oneapi_app.redemptions.schemas import RedemptionDraft, RedemptionQuery
from tests.support.people import add_user, quota_of

OPTIONS = OptionValues({})


def make(database, admin, *, name="code", quota=5000, count=1):
    draft = RedemptionDraft(name=name, quota=quota, count=count)
    return database.run_sync(service.create, admin, draft=draft)


def redeem(database, actor, key, options=OPTIONS):
    return database.run_sync(service.redeem, actor, key=key, options=options)


@pytest.fixture
def admin(database):
    return add_user(database, "root", role=ADMIN)


def test_a_code_is_worth_its_quota_once(database, admin):
    amy = add_user(database, "amy", quota=100)
    (key,) = make(database, admin)
    assert redeem(database, amy, f" {key}\n") == 5000
    assert quota_of(database, amy) == 5100
    with pytest.raises(Conflict, match="used"):
        redeem(database, amy, key)
    log = database.read_sync(lambda uow: uow.log_session.exec(select(Log)).one())
    assert (log.type, log.content, log.user_id, log.quota) == (
        1,
        "通过兑换码充值 ＄0.010000 额度",
        amy.user_id,
        0,
    )
    page = database.read_sync(service.page_codes, admin, query=RedemptionQuery())
    assert [(found.redeemer, found.row.status) for found in page.rows] == [("amy", 3)]


def test_fifty_redeemers_at_once_are_credited_once(database, admin):
    people = [add_user(database, f"user{number}") for number in range(5)]
    (key,) = make(database, admin, quota=777)

    def attempt(number: int) -> int:
        try:
            return redeem(database, people[number % 5], key)
        except AppError:
            return 0

    with ThreadPoolExecutor(50) as threads:
        gained = list(threads.map(attempt, range(50)))
    assert sorted(gained)[-2:] == [0, 777]
    assert sum(quota_of(database, person) or 0 for person in people) == 777
    assert database.read_sync(lambda uow: len(uow.session.exec(select(Log)).all())) == 1


@pytest.mark.parametrize("key", ["", "  ", "nonsense", "x" * 33, "\0", "\ud800", "' OR 1=1 --"])
def test_what_is_no_code(database, key):
    amy = add_user(database, "amy")
    with pytest.raises(InvalidInput):
        redeem(database, amy, key)


def test_case_matters(database, admin):
    (key,) = make(database, admin)
    with pytest.raises(InvalidInput):
        redeem(database, admin, key.upper())


def test_disabled_codes_are_refused_and_can_be_enabled_again(database, admin):
    (key,) = make(database, admin)
    code = database.read_sync(service.list_newest, admin)[0]
    database.run_sync(service.set_status, admin, redemption_id=code.id, status=2)
    with pytest.raises(Conflict):
        redeem(database, admin, key)
    database.run_sync(service.set_status, admin, redemption_id=code.id, status=1)
    assert redeem(database, admin, key) == 5000
    with pytest.raises(Conflict):
        database.run_sync(service.set_status, admin, redemption_id=code.id, status=1)
    with pytest.raises(Conflict):
        database.run_sync(service.update, admin, redemption_id=code.id, name="x", quota=1)


@pytest.mark.parametrize(
    ("name", "quota", "count"),
    [
        ("", 1, 1),
        ("x" * 21, 1, 1),
        ("码" * 7, 1, 1),
        ("a\0", 1, 1),
        ("x", 1, 0),
        ("x", 1, -1),
        ("x", 1, 101),
        ("x", -5, 1),
        ("x", 2**60, 1),
    ],
)
def test_batches_that_make_no_sense(database, name, quota, count):
    with pytest.raises(InvalidInput):
        make(database, add_user(database, "root", role=ADMIN), name=name, quota=quota, count=count)


def test_a_quota_of_zero_becomes_the_columns_default(database, admin):
    make(database, admin, quota=0)
    assert database.read_sync(service.list_newest, admin)[0].quota == 100


def test_only_admins_manage_codes(database):
    amy = add_user(database, "amy")
    for call in (
        lambda uow: service.create(uow, amy, draft=RedemptionDraft(name="x", quota=1, count=1)),
        lambda uow: service.list_newest(uow, amy),
        lambda uow: service.search(uow, amy, keyword="x"),
        lambda uow: service.page_codes(uow, amy, query=RedemptionQuery()),
        lambda uow: service.get(uow, amy, redemption_id=1),
        lambda uow: service.update(uow, amy, redemption_id=1, name="x", quota=1),
        lambda uow: service.set_status(uow, amy, redemption_id=1, status=2),
        lambda uow: service.delete(uow, amy, redemption_id=1),
        lambda uow: service.delete_used(uow, amy),
    ):
        with pytest.raises(Forbidden):
            database.run_sync(call)


def test_finding_codes(database, admin):
    first, *_ = make(database, admin, name="新年", count=2)
    make(database, admin, name="100%")

    def names(keyword):
        return [code.name for code in database.read_sync(service.search, admin, keyword=keyword)]

    assert names("新") == ["新年", "新年"]
    assert names("3") == ["100%"]
    assert names("%") == []
    query = RedemptionQuery(search=first)
    assert database.read_sync(service.page_codes, admin, query=query).total == 1
    with pytest.raises(NotFound):
        database.read_sync(service.get, admin, redemption_id=99)
    database.run_sync(service.delete, admin, redemption_id=1)
    assert database.read_sync(lambda uow: len(uow.session.exec(select(Redemption)).all())) == 2


async def test_the_ledger_hears_of_the_credit(database):
    admin = add_user(database, "root", role=ADMIN)
    (key,) = make(database, admin)
    heard = []

    async def listen(events):
        heard.extend(events)

    database.subscribe(listen)
    await database.run(service.redeem, admin, key=key, options=OPTIONS)
    assert heard == [BalanceChanged(user_id=admin.user_id)]


def test_units_where_no_currency_is_shown(database):
    admin = add_user(database, "root", role=ADMIN)
    (key,) = make(database, admin)
    redeem(database, admin, key, OptionValues({"DisplayInCurrencyEnabled": "false"}))
    assert (
        database.read_sync(lambda uow: uow.session.exec(select(Log)).one().content)
        == "通过兑换码充值 5000 点额度"
    )
