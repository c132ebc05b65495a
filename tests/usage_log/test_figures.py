"""Figures: whatever table a sum comes from, it is the sum of the rows."""

import random

import msgspec
import pytest
from sqlalchemy import func
from sqlmodel import delete, select

from oneapi_app.actor import ADMIN
from oneapi_app.errors import Forbidden
from oneapi_app.kit.clock import now_s
from oneapi_app.models import Log, LogDetail, RelayFailure, UsageHour, UsageMark, UsageTotal
from oneapi_app.usage_log import figures, upkeep
from oneapi_app.usage_log.policy import DAY_S, HOUR_S, split_range
from oneapi_app.usage_log.schemas import LogFilter, UsageFilter
from tests.support.people import add_user


@pytest.fixture
def admin(database):
    return add_user(database, "root", role=ADMIN)


@pytest.fixture
def people(database):
    return [add_user(database, name) for name in ("amy", "ben", "cid")]


def fill(database, people, count=400, days=6):
    """Rows of another program, spread over some days."""
    dice = random.Random(1)
    now = now_s()

    def insert(uow):
        for _ in range(count):
            person = dice.choice(people)
            uow.log_session.add(
                Log(
                    user_id=person.user_id,
                    username=person.username,
                    created_at=now - dice.randrange(days * DAY_S),
                    type=2 if dice.random() < 0.9 else 1,
                    token_name=dice.choice(("s", "t")),
                    model_name=dice.choice(("gpt-4o", "claude", "Claude")),
                    channel_id=dice.choice((1, 2)),
                    quota=dice.randrange(1000),
                    prompt_tokens=dice.randrange(100),
                    completion_tokens=dice.randrange(100),
                    elapsed_time=dice.randrange(5000),
                )
            )

    database.run_sync(insert)


def sum_up(database, step):
    while database.run_sync(step):
        pass


def sum_everything_up(database):
    sum_up(database, upkeep.count_other_rows)
    sum_up(database, upkeep.sum_next_day)


def by_rows(database, *, start=0, end=2**40, **equal):
    """Requests and quota as the original would add them up."""

    def add(uow):
        conditions = [getattr(Log, name) == value for name, value in equal.items()]
        return tuple(
            uow.log_session.exec(
                select(func.count(), func.coalesce(func.sum(Log.quota), 0)).where(
                    Log.type == 2, Log.created_at >= start, Log.created_at <= end, *conditions
                )
            ).one()
        )

    count, quota = database.read_sync(add)
    return count, int(quota)


def stat(database, actor, **chosen):
    usage = database.read_sync(figures.stat_all, actor, chosen=LogFilter(**chosen))
    return usage.requests, usage.quota


def test_sums_equal_the_rows_for_every_filter_and_range(database, admin, people):
    fill(database, people)
    sum_everything_up(database)
    assert (
        database.read_sync(lambda uow: uow.log_session.get(UsageMark, "summed_until").value)
        > now_s() - 2 * DAY_S
    )
    now = now_s()
    names = {"username": "ben", "token_name": "t", "model_name": "claude", "channel": 2}
    for bits in range(16):
        chosen = {name: value for bit, (name, value) in enumerate(names.items()) if bits >> bit & 1}
        equal = {"channel_id" if name == "channel" else name: value for name, value in chosen.items()}
        if database.dialect == "mysql" and "model_name" in equal:
            equal.pop("model_name")  # MySQL's rows do not tell Claude from claude, our figures do
            chosen.pop("model_name")
        for start, end in (
            (0, 0),
            (now - 3 * DAY_S - 1234, now - DAY_S + 77),
            (now - 900, now),
            (now - 5 * DAY_S, 0),
        ):
            expected = by_rows(database, start=start, end=end or 2**40, **equal)
            assert stat(database, admin, start=start, end=end, **chosen) == expected, (chosen, start, end)


def test_ones_own_sums(database, admin, people):
    fill(database, people, 100)
    sum_everything_up(database)
    usage = database.read_sync(figures.stat_own, people[0], chosen=LogFilter(username="ben"))
    assert (usage.requests, usage.quota) == by_rows(database, user_id=people[0].user_id)
    with pytest.raises(Forbidden):
        stat(database, people[0])
    with pytest.raises(Forbidden):
        database.read_sync(figures.total_usage, people[0], start=0, end=1, whole_site=True)
    with pytest.raises(Forbidden):
        database.read_sync(figures.count_failures, people[0], start=0, end=1)
    with pytest.raises(Forbidden):
        database.read_sync(figures.list_failures, people[0])


@pytest.mark.parametrize(
    "by", [("model_name",), ("user_id", "username"), ("channel_id",), ("username", "token_name")]
)
def test_groups_add_up_to_the_whole(database, admin, people, by):
    fill(database, people)
    sum_everything_up(database)
    start, end = now_s() - 4 * DAY_S, now_s() + HOUR_S
    start -= start % HOUR_S
    groups = database.read_sync(figures.sum_usage, admin, start=start, end=end, by=by, whole_site=True)
    assert len({group.key for group in groups}) == len(groups) > 1
    assert sum(group.usage.quota for group in groups) == by_rows(database, start=start)[1]


def test_days_of_a_time_zone(database, admin, people):
    """A day in Shanghai begins at 16:00 UTC."""
    fill(database, people)
    sum_everything_up(database)
    shift = 8 * HOUR_S
    groups = database.read_sync(
        figures.sum_usage,
        admin,
        start=now_s() - 5 * DAY_S,
        end=now_s() + 1,
        by=("hour",),
        bucket_s=DAY_S,
        shift_s=shift,
        whole_site=True,
    )
    for group in groups[1:]:
        begin = int(group.key[0])
        assert (begin + shift) % DAY_S == 0
        if begin > now_s() - 4 * DAY_S:
            expected = by_rows(database, start=begin, end=begin + DAY_S - 1)
            assert (group.usage.requests, group.usage.quota) == expected


def test_rows_the_ledger_counted_are_not_counted_again(database, admin, people):
    fill(database, people, 50)

    def claim(uow):
        for row in uow.log_session.exec(select(Log)).all():
            row.request_id = f"r{row.id}"
            if row.id and row.id % 2:
                uow.log_session.add(LogDetail(request_id=f"r{row.id}", created_at=row.created_at or 0))

    database.run_sync(claim)
    sum_up(database, upkeep.count_other_rows)
    counted = database.read_sync(lambda uow: uow.log_session.exec(select(func.sum(UsageHour.requests))).one())
    expected = database.read_sync(
        lambda uow: uow.log_session.exec(select(func.count()).where(Log.type == 2, Log.id % 2 == 0)).one()
    )
    assert counted == expected
    sum_up(database, upkeep.count_other_rows)
    again = database.read_sync(lambda uow: uow.log_session.exec(select(func.sum(UsageHour.requests))).one())
    assert again == counted


def test_rows_that_another_program_adds_to_old_days_are_found(database, admin, people):
    fill(database, people, 60)
    sum_everything_up(database)
    fill(database, people, 30)
    sum_everything_up(database)
    assert stat(database, admin) == by_rows(database)


def test_settlements_that_come_late_are_added_to_the_totals(database, admin, people):
    fill(database, people, 60)
    sum_everything_up(database)
    late = now_s() - 2 * DAY_S

    def settle(uow):
        key = {
            "hour": late - late % HOUR_S,
            "user_id": 1,
            "username": "x",
            "token_name": "",
            "model_name": "m",
        }
        uow.log_session.add(UsageHour(**key, channel_id=1, requests=1, quota=5))
        uow.log_session.add(
            Log(created_at=late, type=2, quota=5, username="x", user_id=1, model_name="m", channel_id=1)
        )

    database.run_sync(settle)
    sum_up(database, upkeep.sum_next_day)
    assert stat(database, admin) == by_rows(database)


def test_deleted_rows_are_in_no_sum_of_rows_but_in_the_history(database, admin, people):
    fill(database, people)
    sum_everything_up(database)
    whole = database.read_sync(figures.total_usage, admin, start=0, end=now_s() + 1, whole_site=True)
    middle = now_s() - 3 * DAY_S - 555
    database.run_sync(lambda uow: uow.log_session.exec(delete(Log).where(Log.created_at < middle)))
    assert stat(database, admin) == by_rows(database)
    after = database.read_sync(figures.total_usage, admin, start=0, end=now_s() + 1, whole_site=True)
    assert after == whole
    database.run_sync(lambda uow: uow.log_session.exec(delete(Log)))
    assert stat(database, admin) == (0, 0)


def test_the_dashboard_has_the_originals_field_names(database, people):
    assert database.read_sync(figures.week_by_day, people[0]) == []
    fill(database, people, 50)
    sum_up(database, upkeep.count_other_rows)
    rows = database.read_sync(figures.week_by_day, people[0])
    assert [(row.day, row.model_name) for row in rows] == sorted((row.day, row.model_name) for row in rows)
    assert set(msgspec.to_builtins(rows[0])) == {
        *("Day", "ModelName", "RequestCount", "Quota", "PromptTokens", "CompletionTokens")
    }
    assert sum(row.request_count for row in rows) == by_rows(database, user_id=people[0].user_id)[0]


def test_failures_by_kind_and_channel(database, admin):
    def insert(uow):
        for at, kind, channel in ((100, "401", 1), (200, "401", 1), (300, "timeout", 2)):
            uow.log_session.add(RelayFailure(created_at=at, kind=kind, channel_id=channel))

    database.run_sync(insert)
    counts = database.read_sync(figures.count_failures, admin, start=0, end=1000)
    assert [(c.kind, c.channel_id, c.count, c.last_at) for c in counts] == [
        ("401", 1, 2, 200),
        ("timeout", 2, 1, 300),
    ]
    assert [row.created_at for row in database.read_sync(figures.list_failures, admin, channel_id=1)] == [
        200,
        100,
    ]


def test_unknown_dimensions_are_a_mistake_of_ours(database):
    admin = add_user(database, "root", role=ADMIN)
    with pytest.raises(ValueError, match="dimensions"):
        database.read_sync(figures.sum_usage, admin, start=0, end=1, by=("password",))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 3599, (None, (0, 3600), None)),
        (10, 20, ((10, 20), None, None)),
        (20, 10, (None, None, None)),
        (10, 7300, ((10, 3599), (3600, 7200), (7200, 7300))),
        (3600, 7198, ((3600, 7198), None, None)),
    ],
)
def test_ranges_are_split_at_full_hours(start, end, expected):
    assert split_range(start, end) == expected


async def test_upkeep_does_it_all(database, admin, people):
    fill(database, people, 60, days=4)
    await upkeep.Upkeep(database, lambda: 1).round(count_rows=True)
    oldest = database.read_sync(lambda uow: uow.log_session.exec(select(func.min(Log.created_at))).one())
    assert oldest > now_s() - DAY_S - 60
    assert database.read_sync(lambda uow: uow.log_session.exec(select(UsageTotal)).first())
    assert database.read_sync(
        figures.sum_usage,
        admin,
        start=0,
        end=now_s(),
        wanted=UsageFilter(model_name="gpt-4o"),
        whole_site=True,
    )
