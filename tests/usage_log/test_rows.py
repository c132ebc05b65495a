"""Log rows: who sees which, in what order, and that odd input is never an error of the database."""

import pytest
from sqlmodel import select

from oneapi_app.actor import ADMIN
from oneapi_app.errors import Forbidden, NotFound
from oneapi_app.kit.clock import now_s
from oneapi_app.models import Log, LogDetail, RelayFailure
from oneapi_app.usage_log import service, upkeep
from oneapi_app.usage_log.repository import rows, stretches
from oneapi_app.usage_log.schemas import FailureRecord, LogFilter
from tests.support.people import add_user


@pytest.fixture
def admin(database):
    return add_user(database, "root", role=ADMIN)


@pytest.fixture
def amy(database):
    return add_user(database, "amy")


def add_rows(database, actor, count=1, **fields):
    def insert(uow):
        for _ in range(count):
            values = {"type": 2, "created_at": now_s(), "content": "倍率：2.50 × 1.00 × 4.00"} | fields
            uow.log_session.add(Log(user_id=actor.user_id, username=actor.username, **values))

    database.run_sync(insert)


def listed(database, actor, page=0, **chosen):
    return database.read_sync(service.list_all, actor, chosen=LogFilter(**chosen), page=page)


def test_filters_are_exact_and_pages_hold_ten(database, admin, amy):
    add_rows(database, amy, 12, token_name="t", model_name="gpt-4o", channel_id=1, created_at=1000)
    add_rows(database, admin, 1, token_name="r", model_name="gpt-4", channel_id=2, created_at=2000)
    assert [len(listed(database, admin, page)) for page in (0, 1, 2, -1)] == [10, 3, 0, 10]
    assert [row.id for row in listed(database, admin, 1)] == [3, 2, 1]
    assert len(listed(database, admin, 1, username="amy")) == 2
    assert listed(database, admin, username="am") == []
    assert listed(database, admin, username="nobody") == []
    assert len(listed(database, admin, token_name="t", model_name="gpt-4o", page=1)) == 2
    assert [row.channel for row in listed(database, admin, channel=2)] == [2]
    assert [row.created_at for row in listed(database, admin, start=1001, end=2000)] == [2000]
    assert listed(database, admin, end=999) == []
    assert listed(database, admin, type=1) == []
    assert listed(database, admin, type=9) == []


def test_a_rare_type_is_found_however_old(database, admin, amy):
    for age_days in (0, 3, 30, 300):
        add_rows(database, amy, type=4, created_at=now_s() - age_days * 86_400 - 60)
    found = [row.id for row in listed(database, admin, type=4)]
    assert sorted(found) == [1, 2, 3, 4]
    page = database.read_sync(service.page_entries, admin, chosen=LogFilter(type=4), size=2)
    assert (page.total, len(page.entries)) == (4, 2)


def test_people_see_their_own_rows(database, admin, amy):
    add_rows(database, amy, 2)
    add_rows(database, admin, 3)
    own = database.read_sync(service.list_own, amy, chosen=LogFilter(username="root", user_id=1))
    assert [(row.id, row.username) for row in own] == [(0, "amy"), (0, "amy")]
    assert len(database.read_sync(service.search_own, amy, keyword="2")) == 2
    assert database.read_sync(service.search_own, amy, keyword="倍率") == []
    assert database.read_sync(service.page_entries, amy, chosen=LogFilter(username="root")).total == 2
    assert database.read_sync(service.page_entries, admin, chosen=LogFilter(username="root")).total == 3
    assert len(database.read_sync(service.newer_entries, amy, chosen=LogFilter(), after_id=1)) == 1
    assert len(database.read_sync(service.export_entries, amy, chosen=LogFilter())) == 2
    for call in (
        lambda uow: service.list_all(uow, amy, chosen=LogFilter()),
        lambda uow: service.search_all(uow, amy, keyword="2"),
        lambda uow: upkeep.count_before(uow, amy, before=1),
        lambda uow: upkeep.delete_some(uow, amy, 1),
        lambda uow: upkeep.delete_some_details(uow, amy, 1),
    ):
        with pytest.raises(Forbidden):
            database.read_sync(call)


def test_search_of_content_takes_wildcards_literally(database, admin, amy):
    add_rows(database, amy, content="100% off")
    add_rows(database, amy, content="1000 off")

    def found(keyword):
        return [row.content for row in database.read_sync(service.search_all, admin, keyword=keyword)]

    assert found("100%") == ["100% off"]
    assert found("%") == []
    assert found("2") == ["1000 off", "100% off"]
    assert found("99999999999999999999999999") == []
    assert found("\0") == []


@pytest.mark.parametrize(
    "chosen",
    [
        {"username": "\0"},
        {"token_name": "\ud800"},
        {"channel": 2**70},
        {"start": -(2**70)},
        {"type": -1},
        {"end": 2**64},
    ],
)
def test_odd_filters_match_nothing(database, admin, chosen):
    assert listed(database, admin, **chosen) == []
    assert database.read_sync(service.page_entries, admin, chosen=LogFilter(**chosen)).total == 0


def test_details_are_the_owners_and_attempts_the_admins(database, admin, amy):
    add_rows(database, amy, request_id="r1")
    detail = '{"count_source":"provider","attempts":[{"channel":7}],"problem":"h:1 hung up"}'

    def insert(uow):
        uow.log_session.add(
            LogDetail(request_id="r1", created_at=1, cached_tokens=3, first_token_ms=9, detail=detail)
        )

    database.run_sync(insert)
    seen = database.read_sync(service.read_details, amy, log_id=1)
    assert (seen.detail, seen.entry.cached_tokens, seen.entry.first_token_ms) == (
        {"count_source": "provider"},
        3,
        9,
    )
    assert "attempts" in database.read_sync(service.read_details, admin, log_id=1).detail
    for log_id in (2, 0, -1, 2**63):
        with pytest.raises(NotFound):
            database.read_sync(service.read_details, admin, log_id=log_id)
    with pytest.raises(NotFound):
        stranger = add_user(database, "ben")
        database.read_sync(service.read_details, stranger, log_id=1)


def test_failures_are_cut_to_their_columns(database):
    record = FailureRecord(1, "r" * 99, 1, "令" * 99, "m\0" * 300, 1, 500, "k" * 99, "\ud800" + "错" * 900)
    database.run_sync(service.record_failures, [record, record])
    stored = database.read_sync(lambda uow: uow.log_session.exec(select(RelayFailure)).all())
    assert [len(row.message) for row in stored] == [500, 500]


async def test_clean_up_takes_rows_details_and_failures(database, admin, amy, monkeypatch):
    monkeypatch.setattr(upkeep, "ROWS_AT_ONCE", 3)
    add_rows(database, amy, 10, created_at=100)
    add_rows(database, amy, 1, created_at=200)

    def insert(uow):
        for number, at in enumerate((100, 100, 200)):
            uow.log_session.add(LogDetail(request_id=str(number), created_at=at))
            uow.log_session.add(RelayFailure(created_at=at))

    database.run_sync(insert)
    assert database.read_sync(upkeep.count_before, admin, before=200) == 10
    assert await upkeep.clean_up(database, admin, 200) == 10

    def left(uow):
        return [len(uow.log_session.exec(select(table)).all()) for table in (Log, LogDetail, RelayFailure)]

    assert database.read_sync(left) == [1, 1, 1]
    assert await upkeep.clean_up(database, admin, 200) == 0


def test_pages_far_down_are_counted_from_the_other_end(database, admin, amy, monkeypatch):
    monkeypatch.setattr(rows, "_DEEP", 5)
    add_rows(database, amy, 34)
    for chosen in ({}, {"start": 1}):
        found = [[row.id for row in listed(database, admin, page, **chosen)] for page in range(5)]
        assert found == [list(range(34 - 10 * page, max(24 - 10 * page, 0), -1)) for page in range(4)] + [[]]


async def test_pages_far_down_the_whole_log(database, admin, amy, monkeypatch):
    """The same rows, counted by stretches or walked; with gaps, deletions, rows of others, and ids that come back."""
    monkeypatch.setattr(stretches, "STRETCH", 10)
    monkeypatch.setattr(upkeep, "PAUSE_S", 0)
    keep_all = upkeep.Upkeep(database, lambda: 0)

    def ids():
        return database.read_sync(
            lambda uow: list(uow.log_session.exec(select(Log.id).order_by(Log.id.desc())))
        )

    def check():
        expected = ids()
        pages = [[row.id for row in listed(database, admin, page)] for page in range(9)]
        assert pages == [expected[10 * page : 10 * page + 10] for page in range(9)]

    def remove(*gone):
        database.run_sync(lambda uow: [uow.log_session.delete(uow.log_session.get(Log, i)) for i in gone])

    add_rows(database, amy, 30, created_at=100, type=4)
    add_rows(database, amy, 35, created_at=200, type=4)
    remove(3, 4, 15, 64)  # as another program would, before anything is counted
    check()
    await keep_all.round(count_rows=True)
    counted = database.read_sync(lambda uow: stretches.find_place(uow.log_session, 30))
    assert counted[0] is not None
    check()
    add_rows(database, amy, 12, created_at=300, type=4)
    check()
    await keep_all.round(count_rows=False)
    check()
    await upkeep.clean_up(database, admin, 200)
    assert len(ids()) == 46
    check()
    remove(40, 41, 42)
    await keep_all.round(count_rows=True)
    check()
    await upkeep.clean_up(database, admin, 2**40)
    add_rows(database, amy, 50, created_at=400, type=4)
    check()
    await keep_all.round(count_rows=False)
    check()
