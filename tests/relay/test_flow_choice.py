"""Which channels a request tries, and what they are sent."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from oneapi_app.actor import ADMIN, Actor
from tests.relay.stage import (
    ADMIN_KEY,
    CHAT,
    DONE,
    HELLO,
    JSON,
    KEY,
    SSE,
    USAGE,
    Stage,
    answering,
    chunk,
    completion,
    error,
    stage,
    stream_head,
    streaming,
)
from tests.support.scripted import LIMIT_S, Peer, Provider, provider

GOOD = completion()
BROKEN = error("out of order")


class Recorder:
    """A provider's script that keeps what it was sent."""

    def __init__(self, body: bytes = GOOD, *headers: bytes, status: int = 200) -> None:
        self.requests: list[Any] = []
        self._answer = (body, *(headers or (JSON,)))
        self._status = status

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.requests.append(await peer.request())
            await peer.answer(*self._answer, status=self._status)

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.requests[-1].body)


async def opened(stack: AsyncExitStack, *scripts: Any) -> list[Provider]:
    return [await stack.enter_async_context(provider(script)) for script in scripts]


async def test_higher_priority_first_then_weight_among_equals(relay: Stage) -> None:
    low, light, heavy = Recorder(), Recorder(), Recorder()
    async with AsyncExitStack() as stack:
        first, second, third = await opened(stack, low, light, heavy)
        await relay.add_channel(first, priority=0, weight=100)
        await relay.add_channel(second, priority=5, weight=1)
        await relay.add_channel(third, priority=5, weight=9)
        relay.context.dice.seed(7)
        for _ in range(60):
            assert (await relay.chat()).status == 200
    assert not low.requests
    assert len(light.requests) + len(heavy.requests) == 60
    assert 0 < len(light.requests) < 18
    assert len(await relay.bills()) == 60


@pytest.mark.parametrize(("times", "status", "tries"), [(0, 500, 1), (1, 500, 2), (2, 200, 3), (9, 200, 3)])
async def test_as_many_other_channels_as_retry_times_says(
    relay: Stage, times: int, status: int, tries: int
) -> None:
    one, two, three = Recorder(BROKEN, status=500), Recorder(BROKEN, status=503), Recorder()
    await relay.set_option("RetryTimes", str(times))
    async with AsyncExitStack() as stack:
        addresses = await opened(stack, one, two, three)
        ids = [await relay.add_channel(each, priority=-n) for n, each in enumerate(addresses)]
        answer = await relay.chat()
    assert answer.status == (status if times != 1 else 503)
    assert sum(len(each.requests) for each in (one, two, three)) == tries
    if status == 200:
        bill = await relay.bill()
        assert [(note["channel"], note["status"]) for note in bill.detail["attempts"]] == [
            (ids[0], 500),
            (ids[1], 503),
            (ids[2], 200),
        ]
        assert bill.row.channel_id == ids[2]
    else:
        assert await relay.bills() == []
        assert answer.error["message"].startswith("out of order (request id: ")
        assert answer.error["type"] == "server_error"


@pytest.mark.parametrize(
    ("status", "tried_again"),
    [(400, False), (402, False), (413, False), (422, False), (401, True), (403, True), (404, True), (408, True),
     (429, True), (500, True), (502, True), (529, True), (302, True)],
)  # fmt: skip
async def test_what_another_channel_could_do_better(relay: Stage, status: int, tried_again: bool) -> None:
    await relay.set_option("RetryTimes", "1")
    async with AsyncExitStack() as stack:
        bad, good = await opened(stack, answering(BROKEN, status=status), answering(GOOD))
        await relay.add_channel(bad, priority=1)
        await relay.add_channel(good)
        answer = await relay.chat()
    assert answer.status == (200 if tried_again else status)
    assert len(await relay.bills()) == tried_again


@pytest.mark.parametrize("status", [302, 304, 999])
async def test_a_status_that_is_no_error_to_our_caller_becomes_one(relay: Stage, status: int) -> None:
    async with provider(answering(b"" if status == 304 else BROKEN, status=status)) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.chat()
    assert answer.status == 502
    assert "request id" in answer.error["message"]


async def test_the_saturated_text_and_retry_after(relay: Stage) -> None:
    limited = answering(error("slow down", "rate_limit"), JSON, b"Retry-After: 17", status=429)
    async with provider(limited) as vendor:
        channel = await relay.add_channel(vendor)
        answer = await relay.chat()
        assert answer.status == 429
        assert answer.error["message"].startswith("当前分组上游负载已饱和，请稍后再试 (request id: ")
        assert answer.headers["retry-after"] == "17"
        assert relay.context.health.resting() == {channel: 17.0}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((b"Retry-After: 2.5",), 2.5),
        ((b"Retry-After: -3",), 5.0),
        ((b"Retry-After: soon",), 5.0),
        ((b"Retry-After: inf",), 5.0),
        ((b"Retry-After: nan",), 5.0),
        ((b"Retry-After: 1e999",), 5.0),
        ((b"Retry-After: 99999999",), 3600.0),
        ((b"Retry-After: Wed, 21 Oct 2026 07:28:40 GMT", b"Date: Wed, 21 Oct 2026 07:28:00 GMT"), 40.0),
        ((b"Retry-After: Wed, 21 Oct 2026 07:28:40 GMT", b"Date: yesterday"), 5.0),
    ],
)
async def test_how_long_a_provider_asks_for(relay: Stage, headers: tuple[bytes, ...], seconds: float) -> None:
    async with provider(answering(BROKEN, JSON, *headers, status=429)) as vendor:
        channel = await relay.add_channel(vendor)
        assert (await relay.chat()).status == 429
        assert relay.context.health.resting() == {channel: seconds}


async def test_a_channels_key_is_not_told(relay: Stage) -> None:
    told = error("Incorrect API key provided: channel-key-1. See your account.")
    async with provider(answering(told, status=400)) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.chat()
    assert answer.error["message"].startswith(
        "Incorrect API key provided: ***. See your account. (request id"
    )


async def test_a_resting_channel_comes_last_until_it_has_rested(relay: Stage) -> None:
    flaky, other = Recorder(error("busy"), JSON, b"Retry-After: 30", status=429), Recorder()
    await relay.set_option("RetryTimes", "1")
    async with AsyncExitStack() as stack:
        one, two = await opened(stack, flaky, other)
        await relay.add_channel(one, priority=1)
        last = await relay.add_channel(two)
        for _ in range(3):
            assert (await relay.chat()).status == 200
        assert len(flaky.requests) == 1
        relay.clock.now += 31
        assert (await relay.chat()).status == 200
        assert len(flaky.requests) == 2
        assert {bill.row.channel_id for bill in await relay.bills()} == {last}


async def test_a_channel_that_rests_is_still_better_than_none(relay: Stage) -> None:
    flaky = Recorder(BROKEN, status=500)
    async with provider(flaky) as vendor:
        await relay.add_channel(vendor)
        for _ in range(2):
            assert (await relay.chat()).status == 500
    assert len(flaky.requests) == 2


async def test_nothing_is_tried_again_after_the_first_byte(relay: Stage) -> None:
    second = Recorder()

    async def breaks_off(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        piece = chunk("Hel")
        await peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        peer.reset()

    await relay.set_option("RetryTimes", "3")
    async with AsyncExitStack() as stack:
        one, two = await opened(stack, breaks_off, second)
        broken = await relay.add_channel(one, priority=1)
        await relay.add_channel(two)
        answer = await relay.chat(stream=True)
        assert answer.text == "Hel"
        assert "error" in answer.events[-2]
        assert not second.requests
        assert list(relay.context.health.resting()) == [broken]
    assert (await relay.bill()).source == "partial"


async def test_an_admin_names_the_channel(relay: Stage) -> None:
    asked, other = Recorder(BROKEN, status=500), Recorder()
    await relay.set_option("RetryTimes", "3")
    async with AsyncExitStack() as stack:
        one, two = await opened(stack, asked, other)
        named = await relay.add_channel(one, "something-else", group="vip")
        off = await relay.add_channel(two, status=2)
        await relay.add_channel(two)
        assert (await relay.chat(key=f"{ADMIN_KEY}-{named}")).status == 500
        assert len(asked.requests) == 1
        assert not other.requests
        refused = await relay.chat(key=f"{ADMIN_KEY}-{off}")
        assert (refused.status, refused.error["message"].partition(" (")[0]) == (403, "该渠道已被禁用")
        for wrong in ("999", "x", "1_0", " 1", "٣", "9" * 5000):
            refused = await relay.chat(key=f"{ADMIN_KEY}-{wrong}") if wrong.isascii() else None
            if refused is not None:
                assert (refused.status, refused.error["message"].partition(" (")[0]) == (400, "无效的渠道 Id")
        refused = await relay.chat(key=f"{KEY}-{named}")
        assert (refused.status, refused.error["message"].partition(" (")[0]) == (
            403,
            "普通用户不支持指定渠道",
        )
    assert await relay.bills() == []


async def test_an_unknown_channel_comes_before_a_look_into_the_body(relay: Stage) -> None:
    refused = await relay.ask({"model": "x"}, key=f"{ADMIN_KEY}-77")
    assert (refused.status, refused.error["message"].partition(" (")[0]) == (400, "无效的渠道 Id")


async def test_no_channel_for_the_model(relay: Stage) -> None:
    answer = await relay.chat(model="nobody")
    assert answer.status == 503
    assert answer.error["message"].startswith("当前分组 default 下对于模型 nobody 无可用渠道 (request id: ")


UNKNOWN = {"model": "gpt-4o", "messages": HELLO, "vendor_knob": {"a": [1, 2.50, None]}, "seed": 10**17}


async def test_what_nobody_here_knows_passes_untouched(relay: Stage) -> None:
    vendor = Recorder()
    body = json.dumps(UNKNOWN, indent=3).encode()
    async with provider(vendor) as address:
        await relay.add_channel(address)
        assert (await relay.ask(body=body, path=CHAT + "?beta=1")).status == 200
    sent = vendor.requests[0]
    assert sent.body == body
    assert sent.line == b"POST /v1/chat/completions?beta=1 HTTP/1.1"
    assert sent.headers[b"authorization"] == b"Bearer channel-key-1"


async def test_mapping_and_forced_system_prompt(relay: Stage) -> None:
    vendor = Recorder()
    async with provider(vendor) as address:
        await relay.add_channel(
            address,
            "my-model",
            model_mapping=json.dumps({"my-model": "gpt-4o"}),
            system_prompt="Be brief.",
        )
        system = {"role": "system", "content": "Be long."}
        assert (await relay.ask({**UNKNOWN, "model": "my-model"})).status == 200
        assert vendor.body == {
            **UNKNOWN,
            "messages": [{"role": "system", "content": "Be brief."}, *HELLO],
        }
        assert (await relay.chat(model="my-model", messages=[system, *HELLO])).status == 200
        assert vendor.body["messages"] == [{"role": "system", "content": "Be brief."}, *HELLO]
    bills = await relay.bills()
    assert [(b.row.model_name, b.row.system_prompt_reset, b.row.quota) for b in bills] == [
        ("gpt-4o", True, 350)
    ] * 2


async def test_usage_is_asked_for_where_the_operator_insists(database_settings: Any, database: Any) -> None:
    vendor = Recorder(chunk("a") + chunk(usage=USAGE) + DONE, SSE)
    async with (
        stage(database_settings, database, enforce_include_usage=True) as relay,
        provider(vendor) as address,
    ):
        await relay.add_channel(address)
        assert (await relay.chat(stream=True)).text == "a"
        assert vendor.body["stream_options"] == {"include_usage": True}
        assert (await relay.bill()).source == "provider"


DEAD = error("Incorrect API key provided", "invalid_request_error", "invalid_api_key")


async def test_a_dead_key_is_switched_off_and_the_request_goes_elsewhere(relay: Stage) -> None:
    await relay.set_option("AutomaticDisableChannelEnabled", "true")
    await relay.set_option("RetryTimes", "1")
    dead, good = Recorder(DEAD, status=401), Recorder()
    async with AsyncExitStack() as stack:
        one, two = await opened(stack, dead, good)
        lost = await relay.add_channel(one, priority=1)
        await relay.add_channel(two)
        assert (await relay.chat()).status == 200
        assert (await relay.chat()).status == 200
        assert (await relay.channel(lost)).status == 3
        assert (await relay.chat()).status == 200
    assert len(dead.requests) == 1
    assert len(good.requests) == 3


async def test_a_dead_key_stays_on_where_the_operator_wants_so(relay: Stage) -> None:
    async with provider(answering(DEAD, status=401)) as vendor:
        channel = await relay.add_channel(vendor)
        assert (await relay.chat()).status == 401
        assert (await relay.channel(channel)).status == 1


async def test_a_test_without_error_switches_it_on_again(relay: Stage) -> None:
    await relay.set_option("AutomaticEnableChannelEnabled", "true")
    async with provider(answering(GOOD)) as vendor:
        by_itself = await relay.add_channel(vendor, status=3)
        by_hand = await relay.add_channel(vendor, status=2)
        assert (await relay.chat()).status == 503
        relay.runtime.prober.start_all(Actor(2, "admin", ADMIN, "default"))
        async with asyncio.timeout(LIMIT_S):
            await relay.runtime.prober.finished()
        assert (await relay.channel(by_itself)).status == 1
        assert (await relay.chat()).status == 200
        assert (await relay.channel(by_hand)).status == 2
    assert (await relay.bill()).row.channel_id == by_itself


async def test_too_few_successes_switch_a_channel_off(database_settings: Any, database: Any) -> None:
    changes = {"metric_enabled": True, "metric_queue_size": 4, "metric_threshold": 0.6}
    async with stage(database_settings, database, **changes) as relay:
        async with provider(answering(BROKEN, status=500)) as vendor:
            channel = await relay.add_channel(vendor)
            for _ in range(3):
                await relay.chat()
            assert (await relay.channel(channel)).status == 1
            await relay.chat()
            assert (await relay.channel(channel)).status == 3
        # The caller's own mistakes do not count.
        async with provider(answering(BROKEN, status=400)) as vendor:
            other = await relay.add_channel(vendor, "gpt-4")
            for _ in range(6):
                assert (await relay.chat(model="gpt-4")).status == 400
            assert (await relay.channel(other)).status == 1


async def test_mixed_streams_and_answers_at_once(relay: Stage) -> None:
    """Many at a time, each billed once."""
    async with AsyncExitStack() as stack:
        plain, events = await opened(stack, answering(GOOD), streaming(chunk("a"), chunk(usage=USAGE), DONE))
        await relay.add_channel(plain, "gpt-4o")
        await relay.add_channel(events, "gpt-4o-mini")
        jobs = [relay.chat() for _ in range(40)]
        jobs += [relay.chat(model="gpt-4o-mini", stream=True) for _ in range(40)]
        answers = await asyncio.gather(*jobs)
    assert Counter(answer.status for answer in answers) == {200: 80}
    bills = await relay.bills()
    assert Counter(bill.row.model_name for bill in bills) == {"gpt-4o": 40, "gpt-4o-mini": 40}
    assert {bill.source for bill in bills} == {"provider"}
