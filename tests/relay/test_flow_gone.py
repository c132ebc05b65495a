"""The caller goes away, or the server stops: the provider's call is given up and what was delivered is billed."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from oneapi_app.providers.base import Operation
from tests.relay.stage import (
    DONE,
    HELLO,
    SSE,
    USAGE,
    Stage,
    answering,
    chunk,
    completion,
    error,
    pieces,
    stage,
    stream_head,
    streaming,
)
from tests.support.scripted import LIMIT_S, Peer, Provider, provider

ASKED = {"model": "gpt-4o", "messages": HELLO}
PROMPT = 9


async def heard(vendor: Provider) -> Peer:
    """The provider's first connection, once the request is there."""
    async with asyncio.timeout(LIMIT_S):
        while not vendor.peers:
            await asyncio.sleep(0.005)
    return vendor.peers[0]


async def given_up(peer: Peer) -> None:
    """Within a moment: far below any time limit."""
    async with asyncio.timeout(1):
        await peer.left.wait()


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("head", [False, True], ids=["before the head", "behind the head"])
async def test_before_the_first_byte(relay: Stage, streamed: bool, head: bool) -> None:
    waiting = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.request()
        if head:
            await stream_head(peer, SSE if streamed else b"Content-Type: application/json")
        waiting.set()
        await peer.gone()

    async with provider(silent) as vendor:
        channel = await relay.add_channel(vendor)
        caller = relay.call({**ASKED, "stream": streamed})
        async with asyncio.timeout(LIMIT_S):
            await waiting.wait()
        caller.leave()
        await given_up(vendor.peers[0])
        await caller.done()
    assert not caller.status
    bill = await relay.bill()
    assert (bill.source, bill.ending) == ("partial", "client gone")
    assert (bill.row.prompt_tokens, bill.row.completion_tokens) == (PROMPT, 0)
    assert relay.context.health.resting() == {}, channel


async def test_in_the_middle(relay: Stage) -> None:
    async def talking(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hel"), chunk("lo"))
        await peer.gone()

    async with provider(talking) as vendor:
        await relay.add_channel(vendor)
        caller = relay.call({**ASKED, "stream": True})
        while b"lo" not in await caller.first_bytes():
            await asyncio.sleep(0.005)
        caller.leave()
        await given_up(vendor.peers[0])
        await caller.done()
    bill = await relay.bill()
    assert (bill.source, bill.ending) == ("partial", "client gone")
    assert (bill.row.prompt_tokens, bill.row.completion_tokens) == (PROMPT, 1)


async def test_while_the_provider_keeps_talking(relay: Stage) -> None:
    """The caller's leaving is noticed between two events that follow each other at once."""

    async def flood(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        while True:
            await pieces(peer, chunk("word "))

    async with provider(flood) as vendor:
        await relay.add_channel(vendor)
        caller = relay.call({**ASKED, "stream": True})
        while len(await caller.first_bytes()) < 5000:
            await asyncio.sleep(0.005)
        caller.leave()
        await caller.done()
    bill = await relay.bill()
    assert bill.ending == "client gone"
    delivered = caller.body.count(b"word ")
    assert delivered <= bill.row.completion_tokens <= delivered + 5000


async def test_while_another_channel_is_tried(relay: Stage) -> None:
    trying = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.request()
        trying.set()
        await peer.gone()

    await relay.set_option("RetryTimes", "2")
    async with AsyncExitStack() as stack:
        broken = await stack.enter_async_context(provider(answering(error(), status=500)))
        slow = await stack.enter_async_context(provider(silent))
        await relay.add_channel(broken, priority=1)
        second = await relay.add_channel(slow)
        caller = relay.call(ASKED)
        async with asyncio.timeout(LIMIT_S):
            await trying.wait()
        caller.leave()
        await given_up(slow.peers[0])
        await caller.done()
    bill = await relay.bill()
    assert bill.row.channel_id == second
    assert [note["status"] for note in bill.detail["attempts"]] == [500, 499]


async def test_before_the_next_channel_is_asked(relay: Stage) -> None:
    """Somebody who has left meanwhile is noticed before another provider has work with it."""
    await relay.set_option("RetryTimes", "2")
    untouched = 0

    async def never(peer: Peer) -> None:
        nonlocal untouched
        await peer.request()
        untouched += 1

    async def slow_failure(peer: Peer) -> None:
        await peer.request()
        # Longer than the relay waits before it begins to watch for hang-ups.
        await asyncio.sleep(0.1)
        caller.leave()
        await peer.answer(error(), status=500)

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(provider(slow_failure))
        second = await stack.enter_async_context(provider(never))
        asked = await relay.add_channel(first, priority=1)
        await relay.add_channel(second)
        caller = relay.call(ASKED)
        await caller.done()
    assert untouched == 0
    bill = await relay.bill()
    assert (bill.row.channel_id, bill.ending) == (asked, "client gone")


async def test_behind_the_end_of_the_answer(relay: Stage) -> None:
    """All has been delivered but the very last bytes: that is a whole answer, billed by the provider's count."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hello"), chunk(usage=USAGE), DONE)
        await asyncio.sleep(0.1)
        caller.leave()
        await peer.gone()

    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        caller = relay.call({**ASKED, "stream": True})
        await caller.done()
    bill = await relay.bill()
    assert (bill.source, bill.row.quota) == ("provider", 350)


async def test_a_body_that_never_comes_whole(relay: Stage) -> None:
    caller = relay.call(ASKED, body=b"")
    caller.incoming.get_nowait()
    caller.incoming.put_nowait({"type": "http.request", "body": b'{"model"', "more_body": True})
    caller.leave()
    await caller.done()
    assert await relay.bills() == []


async def test_while_an_image_is_fetched(database_settings: Any, database: Any) -> None:
    fetching = asyncio.Event()

    async def slow_image(peer: Peer) -> None:
        await peer.request()
        fetching.set()
        await peer.gone()

    async with (
        stage(database_settings, database, user_content_allow_private=True) as relay,
        provider(slow_image) as pictures,
    ):
        await relay.add_channel("http://127.0.0.1:9", "llava", type=30)
        image = {"type": "image_url", "image_url": {"url": pictures.url}}
        caller = relay.call({"model": "llava", "messages": [{"role": "user", "content": [image]}]})
        async with asyncio.timeout(LIMIT_S):
            await fetching.wait()
        caller.leave()
        await given_up(pictures.peers[0])
        await caller.done()
        assert await relay.bills() == []


async def test_the_server_stops_before_the_first_byte(relay: Stage) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with provider(silent) as vendor:
        await relay.add_channel(vendor)
        caller = relay.call(ASKED)
        peer = await heard(vendor)
        caller.task.cancel()
        await given_up(peer)
        with pytest.raises(asyncio.CancelledError):
            await caller.task
    assert await relay.bills() == []


async def test_the_server_stops_in_the_middle(relay: Stage) -> None:
    async def talking(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hello"))
        await peer.gone()

    async with provider(talking) as vendor:
        await relay.add_channel(vendor)
        caller = relay.call({**ASKED, "stream": True})
        await caller.first_bytes()
        caller.task.cancel()
        await caller.done()
    assert "error" in caller.events[-2]
    bill = await relay.bill()
    assert (bill.source, bill.ending, bill.row.completion_tokens) == ("partial", "server stopping", 1)


async def test_many_leave_at_random(relay: Stage) -> None:
    """Whenever they leave: each is billed once at most, and nothing is left over (see the fixture)."""
    await relay.set_option("RetryTimes", "1")

    async def slow(peer: Peer) -> None:
        while True:
            await peer.request()
            if peer.number % 5 == 0:
                peer.reset()
                return
            await stream_head(peer)
            for _ in range(5):
                await pieces(peer, chunk("word "))
                await asyncio.sleep(0.02)
            await pieces(peer, chunk(usage=USAGE), DONE)
            await peer.send(b"0\r\n\r\n")

    async with provider(slow) as vendor:
        await relay.add_channel(vendor)
        await relay.add_channel(vendor)

        async def one(number: int) -> Any:
            caller = relay.call({**ASKED, "stream": True})
            await asyncio.sleep(number * 0.004)
            caller.leave()
            return await caller.done()

        await asyncio.gather(*(one(number) for number in range(60)))
    bills = await relay.bills()
    assert len({bill.row.request_id for bill in bills}) == len(bills) <= 60
    assert "client gone" in {bill.ending for bill in bills}


@pytest.mark.parametrize("operation", [Operation.IMAGES, Operation.SPEECH])
async def test_work_with_a_fixed_price_is_billed_once_it_was_ordered(
    relay: Stage, operation: Operation
) -> None:
    """What it costs is known beforehand, and the provider has it from the first byte of the request."""
    asked = {"model": "dall-e-2", "prompt": "a cat"} if operation is Operation.IMAGES else {"model": "tts-1", "input": "hello world"}  # fmt: skip
    path = "/v1/images/generations" if operation is Operation.IMAGES else "/v1/audio/speech"

    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with provider(silent) as vendor:
        await relay.add_channel(vendor, "dall-e-2,tts-1")
        caller = relay.call(asked, path=path)
        peer = await heard(vendor)
        await asyncio.sleep(0.1)
        caller.leave()
        await given_up(peer)
        await caller.done()
    assert (await relay.bill()).row.quota == (12_500 if operation is Operation.IMAGES else 82)


async def test_keep_going_afterwards(relay: Stage) -> None:
    """A connection whose answer was given up serves nobody else."""

    async def script(peer: Peer) -> None:
        asked = json.loads((await peer.request()).body)
        if asked.get("stream"):
            await stream_head(peer)
            await pieces(peer, chunk("Hello"))
            await peer.gone()
        else:
            await peer.answer(completion())

    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        caller = relay.call({**ASKED, "stream": True})
        await caller.first_bytes()
        caller.leave()
        await caller.done()
        assert (await relay.ask(ASKED)).json["usage"] == USAGE
        assert len(vendor.peers) == 2
    assert len(await relay.bills()) == 2


async def test_a_fast_stream_is_not_watched(relay: Stage) -> None:
    async with provider(streaming(chunk("a"), chunk(usage=USAGE), DONE)) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.ask({**ASKED, "stream": True})
    assert answer.events[-1] == "[DONE]"
    assert not answer.incoming.qsize()
