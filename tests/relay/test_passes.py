"""Who was let in needs no second look, for as long as nothing can have changed."""

import time
from typing import Any

import msgspec
import pytest

from oneapi_app.billing.ledger import Account
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.events import ChannelsChanged
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.models import Channel, Token
from oneapi_app.relay.admission import Pass, Passes
from oneapi_app.relay.callers import FRESH_S, Callers
from oneapi_app.tokens.schemas import CallerRecord
from tests.relay.stage import CHAT, HELLO, KEY, Stage, answering, completion
from tests.relay.test_admission import change
from tests.relay.test_flow_choice import Recorder
from tests.support.scripted import provider

HEADER = b"Bearer sk-key"
RECORD = CallerRecord(
    token_id=1, key="key", token_name="t", status=1, expired_time=-1, remain_quota=5, unlimited=False, models=(),
    subnets=(), user_id=7, username="u", role=1, user_status=1, group="default",
)  # fmt: skip


class Door:
    """Callers and passes on one clock; ``record`` is what the database has."""

    def __init__(self, **fields: Any) -> None:
        self.now = 1000.0
        self.record = msgspec.structs.replace(RECORD, **fields)
        self.callers = Callers(self._load, lambda: self.now)
        self.passes = Passes(self.callers, lambda: self.now)
        self.account = Account(1)
        self.account.read(5, limited=True)

    async def _load(self, _key: str) -> CallerRecord | None:
        return self.record

    async def enter(self, header: bytes = HEADER) -> Pass:
        caller = await self.callers.find("key")
        assert caller is not None
        return self.passes.issue(header, caller, None, self.account)

    @property
    def knows(self) -> bool:
        return self.passes.valid(HEADER) is not None


async def test_a_pass_is_good_until_the_record_is_to_be_read_again():
    door = Door()
    assert not door.knows
    issued = await door.enter()
    assert door.passes.valid(HEADER) is issued
    assert door.passes.valid(b"Bearer sk-other") is None
    door.now += FRESH_S - 0.1
    assert door.knows
    door.now += 0.2
    assert not door.knows


@pytest.mark.parametrize(
    "happens",
    [
        lambda callers: callers.forget_key("key"),
        lambda callers: callers.forget_key("another"),
        lambda callers: callers.forget_user(7),
        lambda callers: callers.forget_all(),
        lambda callers: setattr(callers, "fresh_s", 1.0),
    ],
)
async def test_whatever_may_have_changed_ends_all_passes(happens):
    door = Door()
    await door.enter()
    happens(door.callers)
    assert not door.knows


async def test_a_record_that_was_replaced_meanwhile_gives_no_pass():
    door = Door()
    old = await door.callers.find("key")
    assert old is not None
    door.callers.forget_key("key")
    await door.callers.find("key")
    door.record = msgspec.structs.replace(RECORD, token_name="new")
    door.callers.forget_key("key")
    await door.callers.find("key")
    door.passes.issue(HEADER, old, None, door.account)
    door.now += 0.001
    assert not door.knows


async def test_tokens_expire_in_the_middle_of_a_pass():
    door = Door(expired_time=int(time.time()) + 3)
    await door.enter()
    assert door.knows
    door.now += 3.1
    assert not door.knows


async def test_the_balance_is_looked_at_each_time():
    door = Door()
    await door.enter()
    door.account.available = 0
    assert not door.knows
    door.account.available = 1
    assert door.knows
    unlimited = Door(unlimited=True)
    await unlimited.enter()
    unlimited.account.available = 0
    assert unlimited.knows


async def test_tokens_bound_to_networks_get_none():
    door = Door(subnets=("10.0.0.0/8",))
    await door.enter()
    assert not door.knows


async def test_every_change_is_in_the_next_bill(relay: Stage):
    """The parts of a bill that are worked out once per token, channel and model are worked out anew."""
    async with provider(answering(completion())) as first, provider(answering(completion())) as second:
        channel_id = await relay.add_channel(first)
        assert (await relay.chat()).status == 200
        await change(relay, token={"name": "renamed"})
        assert (await relay.chat()).status == 200
        await relay.set_option("ModelRatio", '{"gpt-4o":5}')
        assert (await relay.chat()).status == 200

        def move(uow: UnitOfWork) -> None:
            channel = uow.session.get(Channel, channel_id)
            assert channel is not None
            channel.base_url = second.url.partition("/v1/")[0]
            channel.key = "another-key"
            channel.model_mapping = '{"gpt-4o":"gpt-4"}'
            uow.publish(ChannelsChanged())

        await relay.database.run(move)
        assert (await relay.chat()).status == 200
        plain, renamed, dearer, moved = await relay.bills()
    assert plain.row.token_name == "token1"
    assert renamed.row.token_name == dearer.row.token_name == moved.row.token_name == "renamed"
    assert plain.detail["prices"]["model"] == renamed.detail["prices"]["model"] == 1.25 * 2
    assert dearer.detail["prices"]["model"] == 5
    assert dearer.row.quota == 2 * renamed.row.quota
    assert (moved.row.model_name, moved.detail["prices"]["model"]) == ("gpt-4", 15)
    assert len(second.peers) == 1


async def test_what_is_known_of_chats_is_for_chats_alone_and_for_the_channels_there_are(relay: Stage):
    asked = Recorder(completion())
    async with provider(asked) as first, provider(answering(completion())) as second:
        channel_id = await relay.add_channel(first)
        for path in (CHAT, "/v1/completions", CHAT):
            fields = {"model": "gpt-4o", "messages": HELLO, "prompt": "Say hello"}
            assert (await relay.ask(fields, path=path)).status == 200
        paths = [request.line.split()[1] for request in asked.requests]
        assert paths == [b"/v1/chat/completions", b"/v1/completions", b"/v1/chat/completions"]
        relay.context.health.disable(channel_of(relay, channel_id), "test")
        assert (await relay.chat()).status == 503, "before the table has learned of it"
        await relay.context.health.stop()
        await relay.add_channel(second)
        assert (await relay.chat()).status == 200
        assert len(second.peers) == 1


def channel_of(relay: Stage, channel_id: int) -> ChannelRecord:
    return relay.context.snapshot.table.by_id[channel_id]


async def test_a_key_that_is_no_longer_there_is_refused_at_once(relay: Stage):
    async with provider(answering(completion())) as vendor:
        await relay.add_channel(vendor)
        assert (await relay.chat()).status == 200

        def change_key(uow: UnitOfWork) -> None:
            token = uow.session.get(Token, 1)
            assert token is not None
            token.key = "elsewhere"

        await relay.database.run(change_key)
        relay.context.callers.forget_key(KEY)
        assert (await relay.chat()).status == 401

        def restore(uow: UnitOfWork) -> None:
            token = uow.session.get(Token, 1)
            assert token is not None
            token.key = KEY

        await relay.database.run(restore)
