"""Two buses on one Redis: what arrives, what does not, and a Redis that is there but does not answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import msgspec
import pytest
from redis.asyncio import Redis

from oneapi_app.events import (
    BalanceChanged,
    ChannelsChanged,
    ChannelSwitched,
    Event,
    EverythingChanged,
    OptionsChanged,
    TokenChanged,
    UserChanged,
)
from oneapi_app.nodes import bus as bus_module
from oneapi_app.nodes.bus import MAX_WAITING, Bus, channel_of
from oneapi_app.nodes.connection import open_redis
from oneapi_app.nodes.messages import Message, decode, encode
from oneapi_app.settings import default_settings

pytestmark = pytest.mark.needs_redis

EVENTS = [
    UserChanged(7),
    TokenChanged(3, "the-key"),
    BalanceChanged(user_id=7),
    ChannelsChanged(),
    OptionsChanged(("A", "B")),
]


class Ear:
    """What one bus handed on."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self._news = asyncio.Condition()

    async def apply(self, events: Sequence[Event]) -> None:
        async with self._news:
            self.heard += events
            self._news.notify_all()

    async def has(self, holds: Callable[[list[Event]], bool]) -> None:
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: holds(self.heard))


@contextlib.asynccontextmanager
async def bus_on(redis_url: str, node: str) -> AsyncIterator[tuple[Bus, Ear]]:
    redis = open_redis(replace(default_settings(), redis_url=redis_url))
    assert redis is not None
    ear = Ear()
    made = Bus(redis, node, ear.apply)
    running = asyncio.create_task(made.run())
    try:
        yield made, ear
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await made.farewell()


async def test_events_reach_the_other_node_and_only_that(redis_url: str):
    async with bus_on(redis_url, "a") as (a, ear_a), bus_on(redis_url, "b") as (_, ear_b):
        for ear in (ear_a, ear_b):
            await ear.has(lambda heard: heard == [EverythingChanged()])
        await a.publish([*EVENTS[:2], ChannelSwitched(1, "c", False, "why")])
        await a.publish(EVENTS[2:])
        await ear_b.has(lambda heard: heard[1:] == EVENTS)
        assert ear_a.heard == [EverythingChanged()]


async def test_what_was_published_before_redis_was_there_arrives_too(redis_url: str):
    async with bus_on(redis_url, "b") as (_, ear):
        await ear.has(bool)
        redis = open_redis(replace(default_settings(), redis_url=redis_url))
        assert redis is not None
        a = Bus(redis, "a", Ear().apply)
        await a.publish(EVENTS)
        running = asyncio.create_task(a.run())
        await ear.has(lambda heard: heard[1:] == EVENTS)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await a.farewell()


async def test_too_much_to_tell_becomes_everything(redis_url: str):
    async with bus_on(redis_url, "b") as (_, ear), bus_on(redis_url, "a") as (a, _):
        await ear.has(bool)
        await a.publish([UserChanged(number) for number in range(MAX_WAITING + 1)])
        await ear.has(lambda heard: heard == [EverythingChanged(), EverythingChanged()])


async def test_a_stranger_on_the_channel(redis_url: str):
    """Another version's events, and things that are no message at all."""
    async with bus_on(redis_url, "b") as (_, ear), Redis.from_url(redis_url) as stranger:
        await ear.has(bool)
        events = [
            ("Unheard", {"x": 1}),
            ("UserChanged", {"user_id": "no"}),
            ("UserChanged", {"user_id": 1, "new": 2}),
        ]
        for data in (
            b"\xff",
            b"[]",
            b"{}",
            b'{"sender":"x","events":[[1,2]]}',
            msgspec.json.encode(Message("c", events)),
        ):
            await stranger.publish(channel_of(stranger), data)
        await ear.has(lambda heard: heard[1:] == [UserChanged(1)])


async def test_another_installation_on_the_same_server(redis_url: str):
    """It uses another database number, and has other users and tokens."""
    elsewhere = redis_url.removesuffix("/0") + "/5"
    async with (
        bus_on(redis_url, "a") as (a, _),
        bus_on(redis_url, "b") as (_, ear),
        bus_on(elsewhere, "c") as (c, deaf),
    ):
        for each in (ear, deaf):
            await each.has(bool)
        await c.publish(EVENTS[1:])
        await a.publish(EVENTS[:1])
        await ear.has(lambda heard: len(heard) > 1)
        assert ear.heard[1:] == EVENTS[:1]
        assert deaf.heard == [EverythingChanged()]


def test_what_stays_on_its_node_is_not_even_understood():
    switched = ChannelSwitched(1, "c", False, "why")
    assert decode(encode("a", [switched]))[1] == []
    assert list(decode(encode("a", EVENTS))[1]) == EVENTS


async def test_a_redis_that_hangs_is_a_lost_one(
    redis_url: str, redis_server, monkeypatch: pytest.MonkeyPatch
):
    """It accepts and says nothing: stopped, as by a debugger or a machine that swaps."""
    import signal

    monkeypatch.setattr(bus_module, "SILENCE_S", 0.5)
    monkeypatch.setattr(bus_module, "SIGN_OF_LIFE_S", 0.1)
    async with bus_on(redis_url, "a") as (a, ear):
        await ear.has(bool)
        redis_server.process.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(5):
                while a.state == "connected":
                    await asyncio.sleep(0.05)
            await a.publish(EVENTS[:1])
        finally:
            redis_server.process.send_signal(signal.SIGCONT)
        await ear.has(lambda heard: heard == [EverythingChanged()] * 2)
        assert a.state == "connected"
