"""Windows in memory and in Redis, and what happens when the Redis they are in is gone, slow or strange."""

import asyncio
import time
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from oneapi_app.errors import RateLimited
from oneapi_app.limits.limits import Limit, Limits, network_of, retry_after
from oneapi_app.limits.shared import PREFIX, REST_S, SharedWindows
from oneapi_app.limits.window import MAX_ADDRESSES, Window
from oneapi_app.nodes.connection import open_redis
from oneapi_app.settings import default_settings


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_window_slides():
    clock = Clock()
    window = Window(2, 10, clock)
    window.count("a")
    clock.now += 4
    window.count("a")
    assert window.wait_s("a") == 6
    assert window.wait_s("b") is None
    clock.now += 6
    assert window.wait_s("a") is None
    window.count("a")
    assert window.wait_s("a") == 4


def test_a_flood_of_addresses_does_not_fill_the_memory():
    clock = Clock()
    window = Window(1, 10, clock)
    for number in range(MAX_ADDRESSES):
        window.count(str(number))
    clock.now += 11
    window.count("late")
    assert window.wait_s("late") == 10
    assert len(window._hits) == 1


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::1", "::"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_who_is_counted(address: str, counted_as: str):
    assert network_of(address) == counted_as


def test_retry_after_is_never_too_early():
    assert retry_after(0.01) == (b"retry-after", b"1")
    assert retry_after(11.2) == (b"retry-after", b"12")


async def test_zero_is_no_limit():
    limits = Limits(default_settings(critical_rate_limit=0), None)
    for _ in range(100):
        assert await limits.critical.hit("192.0.2.1") is None
    await limits.critical.require("192.0.2.1")


async def test_too_many_is_an_error_for_those_who_want_one():
    limit = Limit("critical", 1, 1200, None)
    await limit.require("192.0.2.1")
    with pytest.raises(RateLimited) as caught:
        await limit.require("192.0.2.1")
    assert 1199 < caught.value.retry_after_s <= 1200
    await limit.require("192.0.2.2")


def redis_at(url: str) -> Redis:
    redis = open_redis(replace(default_settings(), redis_url=url))
    assert redis is not None
    return redis


@pytest.mark.needs_redis
async def test_nodes_count_together(redis_url: str):
    async with redis_at(redis_url) as redis, redis_at(redis_url) as other:
        one, two = (Limit("critical", 6, 1200, SharedWindows(r, lambda: True)) for r in (redis, other))
        passed = [await limit.hit("192.0.2.1") is None for _ in range(6) for limit in (one, two)]
        assert passed == [True] * 6 + [False] * 6
        wait_s = await two.hit("192.0.2.1")
        assert wait_s is not None and 1190 < wait_s <= 1200
        assert await two.hit("192.0.2.2") is None
        key = f"{PREFIX}:critical:192.0.2.1"
        assert await redis.llen(key) == 6
        assert 1190_000 < await redis.pttl(key) <= 1200_000


@pytest.mark.needs_redis
async def test_the_shared_window_slides(redis_url: str):
    async with redis_at(redis_url) as redis:
        shared = SharedWindows(redis, lambda: True)
        assert await shared.hit("x", "a", 2, 60) is None
        assert await shared.hit("x", "a", 2, 60) is None
        # As if the first had been 59 s ago.
        key = f"{PREFIX}:x:a"
        first = int((await redis.lindex(key, 1)) or 0)
        await redis.lset(key, 1, str(first - 59_000))
        wait_s = await shared.hit("x", "a", 2, 60)
        assert wait_s is not None and 0 < wait_s <= 1
        await redis.lset(key, 1, str(first - 60_000))
        assert await shared.hit("x", "a", 2, 60) is None
        assert await redis.llen(key) == 2


@pytest.mark.needs_redis
async def test_concurrent_requests_do_not_slip_through(redis_url: str):
    async with redis_at(redis_url) as redis:
        shared = SharedWindows(redis, lambda: True)
        limits = [Limit("general", 20, 180, shared) for _ in range(4)]
        waits = await asyncio.gather(*(limits[n % 4].hit("192.0.2.1") for n in range(60)))
        assert waits.count(None) == 20


@pytest.mark.needs_redis
async def test_a_strange_value_in_redis_harms_nobody(redis_url: str):
    """The key holds something else; this node's own count decides."""
    async with redis_at(redis_url) as redis:
        await redis.set(f"{PREFIX}:critical:192.0.2.1", "strange")
        limit = Limit("critical", 2, 1200, SharedWindows(redis, lambda: True))
        assert [await limit.hit("192.0.2.1") is None for _ in range(3)] == [True, True, False]


async def test_a_redis_that_does_not_answer_costs_one_request_a_moment():
    """It accepts connections and says nothing."""
    accepted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = Clock()
    async with redis_at(f"redis://127.0.0.1:{port}") as redis:
        limit = Limit("critical", 50, 1200, SharedWindows(redis, lambda: True, clock))
        began = time.monotonic()
        assert await limit.hit("192.0.2.1") is None
        first_s = time.monotonic() - began
        for _ in range(40):
            assert await limit.hit("192.0.2.1") is None
        assert first_s < 1
        assert time.monotonic() - began < first_s + 0.2, "left alone for a while"
        clock.now += REST_S + 1
        tries = len(accepted)
        assert await limit.hit("192.0.2.1") is None
        assert len(accepted) > tries, "and tried again"
    for writer in accepted:
        writer.close()
    server.close()


async def test_a_redis_known_to_be_away_is_not_asked():
    limit = Limit("critical", 1, 1200, SharedWindows(redis_at("redis://127.0.0.1:9"), lambda: False))
    assert [await limit.hit("192.0.2.1") is None for _ in range(2)] == [True, False]
