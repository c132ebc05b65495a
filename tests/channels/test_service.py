"""Channels as admins keep them: batches, updates, abilities, what never comes out."""

import json

import msgspec
import pytest
from sqlmodel import select

from oneapi_app.actor import ADMIN, COMMON
from oneapi_app.channels import service
from oneapi_app.channels.schemas import ChannelDraft, ChannelQuery, ProbeResult
from oneapi_app.errors import Forbidden, InvalidInput, NotFound
from oneapi_app.events import ChannelsChanged, ChannelSwitched
from oneapi_app.models import Ability, Channel, ChannelState, Log
from oneapi_app.models.channel import AUTO_DISABLED, ENABLED, MANUALLY_DISABLED
from tests.support.people import add_user


@pytest.fixture
def admin(database):
    return add_user(database, "amy", role=ADMIN)


def create(database, actor, like=0, **fields):
    draft = ChannelDraft(
        **{"type": 1, "name": "one", "key": "k1", "models": "a,b", "group": "default"} | fields
    )
    return database.run_sync(service.create, actor, draft=draft, like=like)


def stored(database, channel_id):
    return database.read_sync(lambda uow: uow.session.get(Channel, channel_id))


def abilities(database, channel_id):
    rows = database.read_sync(
        lambda uow: uow.session.exec(select(Ability).where(Ability.channel_id == channel_id)).all()
    )
    return sorted((row.group, row.model, row.enabled, row.priority) for row in rows)


def test_one_channel_per_line_with_abilities_of_groups_times_models(database, admin):
    ids = create(database, admin, key="k1\n\n k2 \n", models="a,b,a", group="vip,default,vip", priority=3)
    assert [stored(database, i).key for i in ids] == ["k1", "k2"]
    assert stored(database, ids[0]).group == "vip,default"
    expected = [(g, m, True, 3) for g in ("default", "vip") for m in ("a", "b")]
    assert abilities(database, ids[1]) == expected


def test_models_that_differ_only_in_case_are_no_conflict(database, admin):
    (made,) = create(database, admin, models="GPT,gpt")
    assert {model for _, model, _, _ in abilities(database, made)} >= {"GPT"}


def test_a_service_accounts_json_is_one_key(database, admin):
    (made,) = create(database, admin, key='{"a":\n"b"}')
    assert stored(database, made).key == '{"a":\n"b"}'


def test_updates_write_what_is_not_zero_and_nullable_fields_that_were_sent(database, admin):
    (made,) = create(database, admin, priority=3, weight=2, base_url="http://x")
    draft = ChannelDraft(id=made, models="c", priority=0, base_url="")
    row = database.run_sync(service.update, admin, draft=draft)
    assert (row.name, row.models, row.priority, row.weight, row.base_url) == ("one", "c", 0, 2, "")
    assert stored(database, made).key == "k1"
    assert abilities(database, made) == [("default", "c", True, 0)]


def test_no_answer_holds_a_credential(database, admin):
    (made,) = create(database, admin, key="very-secret", config='{"region":"r","ak":"a","sk":"very-secret"}')
    answers = [
        database.read_sync(service.get, admin, channel_id=made),
        database.read_sync(service.list_newest, admin),
        database.read_sync(service.search, admin, keyword="one"),
        database.read_sync(service.page, admin, query=ChannelQuery()),
        database.run_sync(service.update, admin, draft=ChannelDraft(id=made, key="very-secret-2")),
    ]
    assert all(b"very-secret" not in msgspec.json.encode(answer) for answer in answers)


def test_credentials_in_config_stay_when_an_update_brings_none(database, admin):
    (made,) = create(database, admin, config='{"region":"r","sk":"s"}')
    database.run_sync(service.update, admin, draft=ChannelDraft(id=made, config='{"region":"q"}'))
    assert json.loads(stored(database, made).config) == {"region": "q", "sk": "s"}
    database.run_sync(service.update, admin, draft=ChannelDraft(id=made, config='{"region":"q","sk":"t"}'))
    assert json.loads(stored(database, made).config)["sk"] == "t"


def test_a_copy_takes_the_credentials_of_the_original(database, admin):
    (made,) = create(database, admin, key="k1", config='{"sk":"s"}')
    (twin,) = create(database, admin, like=made, key="", name="two", config="{}")
    assert (stored(database, twin).key, stored(database, twin).name) == ("k1", "two")
    assert json.loads(stored(database, twin).config) == {"sk": "s"}


def test_switching_by_hand_switches_the_abilities(database, admin):
    (made,) = create(database, admin)
    assert database.run_sync(service.set_enabled, admin, channel_ids=[made, 999], enabled=False) == 1
    assert stored(database, made).status == MANUALLY_DISABLED
    assert {enabled for _, _, enabled, _ in abilities(database, made)} == {False}
    state = database.read_sync(service.states, admin, channel_ids=[made])[made]
    assert state.status_since > 0 and state.status_reason == ""


def test_switching_off_by_itself_keeps_the_reason_and_only_that_is_switched_on_again(database, admin):
    by_itself, by_hand = create(database, admin, key="a\nb")
    database.run_sync(service.set_enabled, admin, channel_ids=[by_hand], enabled=False)
    assert database.run_sync(service.auto_disable, by_itself, "no money") == "one"
    assert database.run_sync(service.auto_disable, by_hand, "no money") is None
    assert stored(database, by_itself).status == AUTO_DISABLED
    state = database.read_sync(service.states, admin, channel_ids=[by_itself])[by_itself]
    assert state.status_reason == "no money"
    assert database.run_sync(service.auto_enable, by_hand) is None
    assert database.run_sync(service.auto_enable, by_itself) == "one"
    assert stored(database, by_itself).status == ENABLED
    assert stored(database, by_hand).status == MANUALLY_DISABLED


def test_deleting_the_disabled_takes_abilities_and_states_along(database, admin):
    kept, manual, automatic = create(database, admin, key="a\nb\nc")
    database.run_sync(service.set_enabled, admin, channel_ids=[manual], enabled=False)
    database.run_sync(service.auto_disable, automatic, "x")
    assert database.run_sync(service.delete_disabled, admin) == 2
    assert stored(database, kept) is not None
    for gone in (manual, automatic):
        assert stored(database, gone) is None
        assert abilities(database, gone) == []
        assert database.read_sync(lambda uow, i=gone: uow.session.get(ChannelState, i)) is None


def test_group_and_priority_of_several_at_once(database, admin):
    ids = create(database, admin, key="a\nb", models="m")
    assert (
        database.run_sync(service.adjust, admin, channel_ids=ids, priority=9, weight=4, group="vip, x") == 2
    )
    for channel_id in ids:
        channel = stored(database, channel_id)
        assert (channel.priority, channel.weight, channel.group) == (9, 4, "vip,x")
        assert abilities(database, channel_id) == [("vip", "m", True, 9), ("x", "m", True, 9)]


def test_pages_are_searched_filtered_and_counted(database, admin):
    create(database, admin, name="alpha", models="gpt-4o", group="vip", key="1\n2\n3")
    create(database, admin, name="beta_1", models="gpt-4o-mini", type=14, priority=5)

    def names(**fields):
        found = database.read_sync(service.page, admin, query=ChannelQuery(**fields))
        assert found.total >= len(found.rows)
        return [row.name for row in found.rows]

    assert names(search="ALP") == ["alpha"] * 3
    assert names(search="a_1") == ["beta_1"]
    assert names(model="gpt-4o") == ["alpha"] * 3
    assert names(group="default") == ["beta_1"]
    assert names(type=14) == ["beta_1"]
    assert names(status=3) == []
    assert names(sort="-priority", size=1) == ["beta_1"]
    assert names(search="\0") == []
    assert len(names(size=2, page=1)) == 2


def test_a_test_leaves_time_duration_and_a_log_row(database, admin):
    (made,) = create(database, admin)
    database.run_sync(service.record_test, made, "m", ProbeResult(True, "Hi", 120))
    assert stored(database, made).response_time == 120
    database.run_sync(service.record_test, made, "m", ProbeResult(False, "no\0pe", 80, 401))
    channel = stored(database, made)
    assert channel.response_time == 0 and channel.test_time > 0
    state = database.read_sync(service.states, admin, channel_ids=[made])[made]
    assert (state.tested_model, state.test_message) == ("m", "nope")
    rows = database.read_sync(lambda uow: uow.log_session.exec(select(Log).order_by(Log.id)).all())
    assert [(row.type, row.channel_id, row.elapsed_time) for row in rows] == [(5, made, 120), (5, made, 80)]
    assert [row.content for row in rows] == [
        "渠道 one 测试成功，响应：Hi",
        "渠道 one 测试失败，错误：http status code: 401, error message: nope",
    ]


def test_a_test_too_quick_to_measure_still_counts_as_passed(database):
    admin = add_user(database, "amy", role=ADMIN)
    (made,) = create(database, admin)
    database.run_sync(service.record_test, made, "m", ProbeResult(True, "Hi", 0))
    assert stored(database, made).response_time == 1


BAD = [
    {"group": "g" * 33},
    {"group": ",".join(["gggggggggg"] * 1 + ["hhhhhhhhhhh", "iiiiiiiiiii"])},
    {"base_url": "ftp://x"},
    {"base_url": "https://"},
    {"base_url": "https://a b"},
    {"base_url": "https://" + "x" * 200},
    {"model_mapping": "[]"},
    {"model_mapping": '{"a":1}'},
    {"model_mapping": "{"},
    {"model_mapping": json.dumps({"a": "x" * 1024})},
    {"config": "nonsense"},
    {"weight": -1},
    {"priority": 2**31},
    {"type": -1},
    {"type": 2**63},
    {"name": "n" * 192},
    {"name": "\ud800"},
    {"models": "m" * 192},
    {"key": "k" * 70_000},
    {"system_prompt": "p" * 70_000},
    {"key": " \n "},
]


@pytest.mark.parametrize("fields", BAD, ids=lambda fields: next(iter(fields)))
def test_what_cannot_be_stored_or_used_is_refused(database, fields):
    admin = add_user(database, "amy", role=ADMIN)
    with pytest.raises(InvalidInput):
        create(database, admin, **fields)
    assert database.read_sync(service.list_newest, admin) == []


def test_everything_is_for_admins(database):
    amy = add_user(database, "amy", role=COMMON)
    for function, arguments in (
        (service.list_newest, {}),
        (service.search, {"keyword": ""}),
        (service.page, {"query": ChannelQuery()}),
        (service.get, {"channel_id": 1}),
        (service.states, {"channel_ids": [1]}),
        (service.create, {"draft": ChannelDraft()}),
        (service.update, {"draft": ChannelDraft()}),
        (service.adjust, {"channel_ids": [1]}),
        (service.draft_record, {"draft": ChannelDraft()}),
        (service.set_enabled, {"channel_ids": [1], "enabled": True}),
        (service.delete, {"channel_ids": [1]}),
        (service.delete_disabled, {}),
    ):
        with pytest.raises(Forbidden):
            database.run_sync(function, amy, **arguments)


@pytest.mark.parametrize("channel_id", [0, -1, 5, 2**63, 2**80])
def test_what_does_not_exist_is_not_found(database, channel_id):
    admin = add_user(database, "amy", role=ADMIN)
    with pytest.raises(NotFound):
        database.read_sync(service.get, admin, channel_id=channel_id)
    with pytest.raises(NotFound):
        database.run_sync(service.update, admin, draft=ChannelDraft(id=channel_id, name="x"))


async def test_whoever_follows_is_told(database):
    admin = add_user(database, "amy", role=ADMIN)
    seen = []

    async def listen(events):
        seen.extend(events)

    database.subscribe(listen)
    (made,) = await database.run(service.create, admin, draft=ChannelDraft(type=1, name="n", key="k"))
    assert seen == [ChannelsChanged()]
    await database.run(service.auto_disable, made, "why")
    assert seen[1:] == [ChannelsChanged(), ChannelSwitched(made, "n", False, "why")]
    seen.clear()
    await database.run(service.delete, admin, channel_ids=[999])
    assert seen == []
