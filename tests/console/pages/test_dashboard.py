"""The dashboard's figures: complete charts, fair comparisons, the first steps."""

import datetime
import time
from zoneinfo import ZoneInfo

from oneapi_app.actor import ROOT
from oneapi_app.console.pages.dashboard.gather import gather, gather_site, steps
from oneapi_app.console.pages.dashboard.series import (
    DAY_S,
    HOUR_S,
    MAX_SERIES,
    OTHER,
    Span,
    midnight,
    rank,
    span_of,
    stack,
    trend,
)
from oneapi_app.kit.clock import now_s
from oneapi_app.models import Channel, RelayFailure, UsageHour
from oneapi_app.tokens import service as tokens
from oneapi_app.tokens.schemas import TokenDraft
from oneapi_app.usage_log.schemas import Usage, UsageGroup
from tests.support.people import add_user

SHANGHAI_S = 8 * HOUR_S


def test_days_begin_at_the_viewers_midnight():
    now = 1_790_000_000
    begin = midnight(now, SHANGHAI_S)
    local = datetime.datetime.fromtimestamp(begin, ZoneInfo("Asia/Shanghai"))
    assert (local.hour, local.minute) == (0, 0)
    assert 0 <= now - begin < DAY_S
    week = span_of("week", now, SHANGHAI_S)
    assert (week.end - week.start) // DAY_S == 7
    assert week.start <= now < week.end
    day = span_of("day", now, SHANGHAI_S)
    assert (day.end - day.start, day.bucket_s) == (DAY_S, HOUR_S)


def test_a_bar_for_every_bucket_also_the_empty_ones():
    span = Span(0, 4 * HOUR_S, HOUR_S, 0)
    groups = [
        UsageGroup((HOUR_S, "a"), Usage(requests=2, quota=5)),
        UsageGroup((3 * HOUR_S, "b"), Usage(quota=1)),
    ]
    bars, series = stack(groups, span, "spend")
    assert bars == [{"at": 0}, {"at": HOUR_S, "a": 5}, {"at": 2 * HOUR_S}, {"at": 3 * HOUR_S, "b": 1}]
    assert series == ["a", "b"]
    assert stack(groups, span, "requests")[1] == ["a"]
    assert stack([], span, "spend")[1] == []


def test_small_series_are_put_together():
    span = Span(0, HOUR_S, HOUR_S, 0)
    groups = [UsageGroup((0, f"m{n}"), Usage(quota=n)) for n in range(1, 12)]
    bars, series = stack(groups, span, "spend")
    assert len(series) == MAX_SERIES
    assert series[-1] == OTHER
    assert sum(value for name, value in bars[0].items() if name != "at") == sum(range(1, 12))


def test_comparisons():
    assert trend(15, 10).percent == 50
    assert trend(5, 10).percent == -50
    assert not trend(5, 0).known


def test_rankings_are_shares_of_the_largest():
    groups = [UsageGroup(("a",), Usage(quota=50)), UsageGroup(("b",), Usage(quota=200))]
    assert [(share.name, share.percent) for share in rank(groups, lambda key: str(key[0]))] == [
        ("b", 100),
        ("a", 25),
    ]
    assert rank([], lambda key: str(key[0])) == []


def spend(database, actor, at, quota, **more):
    def insert(uow):
        key = {
            "hour": at - at % HOUR_S,
            "user_id": actor.user_id,
            "username": actor.username,
            "token_name": "t",
        }
        uow.log_session.add(
            UsageHour(**key, model_name="gpt-4o", channel_id=1, requests=1, quota=quota, **more)
        )

    database.run_sync(insert)


def test_gathering_for_oneself_and_for_the_site(database):
    root, amy = add_user(database, "root", role=ROOT, quota=7), add_user(database, "amy", quota=3)
    now = now_s()
    spend(database, amy, now, 5)
    spend(database, root, now, 11)
    spend(database, root, now - 8 * DAY_S, 100)
    how = {"span_name": "week", "zone_s": SHANGHAI_S}
    own = database.read_sync(gather, amy, whole_site=False, **how)
    assert (own.balance, own.today.value, own.usage.quota, own.month.value) == (3, 5, 5, 5)
    site = database.read_sync(gather, root, whole_site=True, **how)
    assert (site.usage.quota, site.month.value) == (16, 116)
    database.run_sync(
        lambda uow: uow.log_session.add(RelayFailure(created_at=now, kind="timeout", channel_id=1))
    )
    figures = database.read_sync(gather_site, root, span=site.span, channel_ids=[1])
    assert [share.name for share in figures.users] == ["root", "amy"]
    assert (figures.failed, figures.served, figures.kinds) == (1, 2, [("timeout", 1)])


def test_the_first_steps_tick_one_after_the_other(database):
    root = add_user(database, "root", role=ROOT)

    def done():
        found = database.read_sync(steps, root)
        return found.channel, found.tested, found.token, found.request

    assert done() == (False, False, False, False)
    database.run_sync(lambda uow: uow.session.add(Channel(name="c", key="k", type=1)))
    assert done() == (True, False, False, False)

    def test_channel(uow):
        uow.session.get(Channel, 1).test_time = int(time.time())

    database.run_sync(test_channel)
    database.run_sync(tokens.create, root, draft=TokenDraft(name="t", unlimited_quota=True))
    assert done() == (True, True, True, False)
    spend(database, root, now_s(), 1)
    assert done() == (True, True, True, True)
