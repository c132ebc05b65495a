"""Tests of channels, with a scripted relay behind them."""

import asyncio

import pytest

from oneapi_app.actor import ADMIN, COMMON
from oneapi_app.channels import prober as prober_module
from oneapi_app.channels import service
from oneapi_app.channels.prober import Prober, choose_model, reason_to_disable
from oneapi_app.channels.schemas import ChannelDraft, ProbeResult
from oneapi_app.errors import Conflict, Forbidden
from oneapi_app.models import Channel
from oneapi_app.options import OptionValues
from oneapi_app.settings import default_settings
from tests.support.people import add_user

GOOD = ProbeResult(True, "I am m", 100)
DEAD = ProbeResult(False, "no", 50, 401)
BUSY = ProbeResult(False, "wait", 50, 429)


class Vendor:
    """Answers by credential; ``gate`` holds answers back."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, record, model):
        self.asked.append((record.key, model))
        await self.gate.wait()
        answer = self.answers[record.key]
        if isinstance(answer, Exception):
            raise answer
        return answer


def channel(database, admin, key, *, status=0, models="m"):
    draft = ChannelDraft(type=1, name=key, key=key, models=models, status=status)
    return database.run_sync(service.create, admin, draft=draft)[0]


def status(database, channel_id):
    return database.read_sync(lambda uow: uow.session.get(Channel, channel_id)).status


def make(database, vendor, settings=None, report=None, **options):
    reading = () if report is None else (report,)
    return Prober(database, vendor, settings or default_settings(), lambda: OptionValues(options), *reading)


@pytest.fixture
def admin(database):
    return add_user(database, "amy", role=ADMIN)


async def test_one_test_tells_and_stores_but_never_switches(database, admin):
    made = channel(database, admin, "dead")
    prober = make(database, Vendor({"dead": DEAD}), AutomaticDisableChannelEnabled="true")
    result, model = await prober.test(admin, made)
    assert (result, model) == (DEAD, "m")
    assert status(database, made) == 1
    assert database.read_sync(service.states, admin, channel_ids=[made])[made].test_message == DEAD.message


async def test_all_are_tested_and_judged(database, admin):
    ids = {key: channel(database, admin, key) for key in ("good", "dead", "busy", "slow", "bug")}
    ids["manual"] = channel(database, admin, "manual", status=2)
    ids["automatic"] = channel(database, admin, "automatic", status=3)
    slow = ProbeResult(True, "x", 6000)
    answers = {"good": GOOD, "dead": DEAD, "busy": BUSY, "slow": slow, "bug": ValueError("?")}
    vendor = Vendor(answers | {"manual": GOOD, "automatic": GOOD})
    prober = make(
        database, vendor, AutomaticDisableChannelEnabled="true", AutomaticEnableChannelEnabled="true"
    )
    prober.start_all(admin)
    await prober.finished()
    progress = prober.progress
    assert (progress.running, progress.total, progress.done, progress.good) == (False, 7, 7, 4)
    found = {key: status(database, i) for key, i in ids.items()}
    assert found == {"good": 1, "dead": 3, "busy": 1, "slow": 3, "bug": 1, "manual": 2, "automatic": 1}


async def test_without_the_options_nothing_is_switched(database, admin):
    ids = [channel(database, admin, "dead"), channel(database, admin, "off", status=3)]
    prober = make(database, Vendor({"dead": DEAD, "off": GOOD}))
    prober.start_all(admin)
    await prober.finished()
    assert [status(database, i) for i in ids] == [1, 3]


async def test_only_the_disabled_or_only_some(database, admin):
    channel(database, admin, "on")
    off = channel(database, admin, "off", status=2)
    vendor = Vendor({"on": GOOD, "off": GOOD})
    prober = make(database, vendor)
    prober.start_all(admin, disabled_only=True)
    await prober.finished()
    prober.start_chosen(admin, [off, 999])
    await prober.finished()
    assert [key for key, _ in vendor.asked] == ["off", "off"]


async def test_one_run_at_a_time_and_the_next_may_start_after_it(database, admin):
    channel(database, admin, "a")
    vendor = Vendor({"a": GOOD})
    vendor.gate.clear()
    prober = make(database, vendor)
    prober.start_all(admin)
    with pytest.raises(Conflict, match="already running"):
        prober.start_all(admin)
    vendor.gate.set()
    await prober.finished()
    prober.start_all(admin)
    await prober.finished()
    assert prober.progress.done == 1


async def test_a_run_that_cannot_begin_does_not_block_the_next(database, admin):
    class Away:
        async def read(self, *_arguments):
            raise OSError("database is away")

    prober = make(Away(), Vendor({}))
    prober.start_all(admin)
    await prober.finished()
    assert not prober.progress.running
    prober.start_all(admin)
    await prober.finished()


async def test_a_channel_that_never_answers_has_failed(database, admin, monkeypatch):
    monkeypatch.setattr(prober_module, "LONGEST_TEST_S", 0.05)
    made = channel(database, admin, "a")
    vendor = Vendor({"a": GOOD})
    vendor.gate.clear()
    result, _ = await make(database, vendor).test(admin, made)
    assert not result.ok and "no answer within" in result.message


async def test_a_draft_is_tried_without_writing_anything(database, admin):
    draft = ChannelDraft(type=1, key="new", models="x,y")
    record = database.read_sync(service.draft_record, admin, draft=draft)
    vendor = Vendor({"new": GOOD})
    assert await make(database, vendor).try_draft(admin, record, "y") == (GOOD, "y")
    assert database.read_sync(service.list_newest, admin) == []


async def test_a_draft_may_borrow_the_saved_key(database, admin):
    made = channel(database, admin, "saved")
    record = database.read_sync(service.draft_record, admin, draft=ChannelDraft(type=1), like=made)
    assert record.key == "saved"


async def test_tests_are_for_admins(database, admin):
    amy = add_user(database, "common", role=COMMON)
    prober = make(database, Vendor({}))
    made = channel(database, admin, "a")
    with pytest.raises(Forbidden):
        await prober.test(amy, made)
    with pytest.raises(Forbidden):
        prober.start_all(amy)
    with pytest.raises(Forbidden):
        prober.start_chosen(amy, [made])


async def test_a_run_by_hand_is_reported(database, admin):
    for key in ("good", "dead", "busy", "slow"):
        channel(database, admin, key)
    channel(database, admin, "off", status=2)
    vendor = Vendor(
        {"good": GOOD, "dead": DEAD, "busy": BUSY, "slow": ProbeResult(True, "x", 6000), "off": DEAD}
    )
    reports = []
    prober = make(database, vendor, report=reports.append)
    prober.start_all(admin)
    await prober.finished()
    report = reports.pop()
    assert (report.tested, report.good, report.switched_off) == (5, 2, 0)
    assert {each.name: each.reason for each in report.troubled} == {
        "dead": "HTTP 401: no",
        "busy": "wait",
        "slow": "响应时间 6.00s 超过阈值 5.00s",
    }, "what is off already is no news"
    prober = make(database, vendor, report=reports.append, AutomaticDisableChannelEnabled="true")
    prober.start_all(admin)
    await prober.finished()
    report = reports.pop()
    assert (report.switched_off, [each.name for each in report.troubled]) == (2, ["busy"])


async def test_a_run_that_was_broken_off_or_of_a_few_is_not_reported(database, admin):
    made = channel(database, admin, "a")
    vendor = Vendor({"a": GOOD})
    vendor.gate.clear()
    reports = []
    prober = make(database, vendor, report=reports.append)
    prober.start_all(admin)
    await prober.stop()
    vendor.gate.set()
    prober.start_chosen(admin, [made])
    await prober.finished()
    assert reports == []


async def test_of_periodic_runs_only_news_are_reported(database, admin):
    channel(database, admin, "a")
    vendor = Vendor({"a": GOOD})
    reports = []
    settings = default_settings(channel_test_minutes=0.0002)
    prober = make(database, vendor, settings, report=reports.append)
    (task,) = prober.start_periodic(lambda _work: lambda: True)

    async def runs(count):
        goal = len(vendor.asked) + count
        while len(vendor.asked) < goal:
            await asyncio.sleep(0.005)
        await prober.finished()

    await runs(2)
    assert reports == [], "all is well"
    vendor.answers["a"] = BUSY
    await runs(3)
    assert [each.name for each in reports.pop().troubled] == ["a"]
    assert reports == [], "once"
    vendor.answers["a"] = GOOD
    await runs(2)
    vendor.answers["a"] = BUSY
    await runs(2)
    assert len(reports) == 1, "it was well in between"
    task.cancel()
    await prober.stop()


@pytest.mark.parametrize(
    ("models", "wanted", "asked"),
    [
        ("a,b", "", "a"),
        ("a,gpt-3.5-turbo", "", "gpt-3.5-turbo"),
        ("a,b", "b", "b"),
        ("a,b", "c", "a"),
        ("", "", "gpt-3.5-turbo"),
        ("", "z", "z"),
    ],
)
def test_which_model_is_asked(models, wanted, asked):
    assert choose_model([name for name in models.split(",") if name], wanted) == asked


def test_why_a_test_speaks_for_switching_off():
    assert reason_to_disable(GOOD, 5) == ""
    assert reason_to_disable(BUSY, 5) == ""
    assert reason_to_disable(DEAD, 5) == "HTTP 401: no"
    assert reason_to_disable(ProbeResult(True, "", 7250), 5) == "响应时间 7.25s 超过阈值 5.00s"
    assert reason_to_disable(ProbeResult(True, "", 7250), 0) == ""
