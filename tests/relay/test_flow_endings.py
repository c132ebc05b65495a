"""Every way a provider's answer can end: what the caller gets, and what is billed."""

import asyncio
import gzip
import json
from dataclasses import replace
from typing import Any

import brotli
import pytest

from tests.relay.stage import (
    DONE,
    JSON,
    QUICK,
    SSE,
    USAGE,
    Stage,
    answering,
    chunk,
    completion,
    error,
    frame,
    pieces,
    stage,
    stream,
    stream_head,
    streaming,
)
from tests.support.scripted import Peer, provider

ROLE = frame(
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
)
END = chunk(usage=USAGE)
PRICE_OF_USAGE = 350
"""100 prompt tokens and 10 of the answer, at 4 times the price, times 2.5."""
PROMPT = 9
"""Tokens of ``stage.HELLO``."""


def units(prompt: int, answer: int) -> int:
    """At gpt-4o's ratios."""
    return -(-(prompt + answer * 4) * 5 // 2)


# Streams that come to a good end.

LONG = "x" * (1 << 20)
GOOD: dict[str, tuple[list[bytes], str, str]] = {
    "plain": ([ROLE, chunk("Hel"), chunk("lo"), END, DONE], "Hello", "provider"),
    "no [DONE]": ([ROLE, chunk("Hel"), chunk("lo"), END], "Hello", "provider"),
    "no usage": ([chunk("Hel"), chunk("lo"), chunk(), DONE], "Hello", "estimate"),
    "usage of zeros": ([chunk("Hello"), chunk(usage={"prompt_tokens": 0, "completion_tokens": 0}), DONE], "Hello", "estimate"),
    "usage null": ([chunk("Hello", usage=None), chunk(usage=None), DONE], "Hello", "estimate"),
    "usage in the middle": ([chunk("Hel", usage=USAGE), chunk("lo"), chunk(), DONE], "Hello", "provider"),
    "usage twice": ([chunk("Hello", usage=USAGE | {"prompt_tokens": 7}), END, DONE], "Hello", "provider"),
    "usage in a chunk without choices": ([chunk("Hello"), frame({"choices": [], "usage": USAGE}), DONE], "Hello", "provider"),
    "usage behind [DONE]": ([chunk("Hello"), chunk(), DONE, frame({"choices": [], "usage": USAGE})], "Hello", "provider"),
    "chunks without choices": ([frame({"choices": [], "prompt_filter_results": []}), chunk("Hello"), END, DONE], "Hello", "provider"),
    "CRLF": ([c.replace(b"\n", b"\r\n") for c in (ROLE, chunk("Hel"), chunk("lo"), END, DONE)], "Hello", "provider"),
    "CR": ([c.replace(b"\n", b"\r") for c in (ROLE, chunk("Hello"), END, DONE)], "Hello", "provider"),
    "comments": ([b": hi\n\n", b": ping\n\n", chunk("Hel"), b":\n", chunk("lo"), b": x\n\n", END, DONE], "Hello", "provider"),
    "named events": ([b"event: message\nid: 1\nretry: 5\n" + chunk("Hello"), END, DONE], "Hello", "provider"),
    "byte order mark": ([b"\xef\xbb\xbf" + chunk("Hello"), END, DONE], "Hello", "provider"),
    "U+2028": ([frame(json.dumps({"choices": [{"delta": {"content": "a\u2028b\u0085c"}}]}, ensure_ascii=False).encode()), END, DONE], "a\u2028b\u0085c", "provider"),
    "no blank behind data:": ([chunk("Hello").replace(b"data: ", b"data:"), END, b"data:[DONE]\n\n"], "Hello", "provider"),
    "no empty line at the end": ([chunk("Hello"), END, b"data: [DONE]"], "Hello", "provider"),
    "bytes behind [DONE]": ([chunk("Hello"), END, DONE + b"<html>what</html>"], "Hello", "provider"),
    "chunks behind [DONE]": ([chunk("Hello"), END, DONE, chunk("again")], "Hello", "provider"),
    "a line of 1 MB": ([chunk(LONG), END, DONE], LONG, "provider"),
    "a line of 3 MB": ([chunk(LONG * 3), END, DONE], LONG * 3, "provider"),
    "a byte at a time": ([bytes([b]) for b in chunk("Hello") + END + DONE], "Hello", "provider"),
    "all at once": ([ROLE + chunk("Hel") + chunk("lo") + END + DONE], "Hello", "provider"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
async def test_good_streams(relay: Stage, name: str) -> None:
    sent, text, source = GOOD[name]
    async with provider(streaming(*sent)) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.chat(stream=True)
    assert answer.status == 200
    assert answer.text == text
    assert answer.events.count("[DONE]") == 1
    assert answer.events[-1] == "[DONE]"
    assert not any("error" in event for event in answer.events)
    bill = await relay.bill()
    assert (bill.source, bill.ending) == (source, "complete")
    assert bill.row.is_stream
    assert bill.row.quota == (PRICE_OF_USAGE if source == "provider" else units(PROMPT, 1))
    assert relay.context.health.resting() == {}


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Type: text/event-stream; charset=utf-8",),
        (b"content-type: TEXT/EVENT-STREAM",),
        (b"Content-Type: text/plain",),
        (b"Content-Type: application/octet-stream",),
        (b"X-No-Type: 1",),
    ],
)
async def test_streams_of_another_name(relay: Stage, headers: tuple[bytes, ...]) -> None:
    async with provider(streaming(ROLE, chunk("Hello"), END, DONE, headers=headers)) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.chat(stream=True)
    assert answer.text == "Hello"
    assert (await relay.bill()).row.quota == PRICE_OF_USAGE


@pytest.mark.parametrize(("name", "pack"), [(b"gzip", gzip.compress), (b"br", brotli.compress)])
async def test_encoded_answers(relay: Stage, name: bytes, pack: Any) -> None:
    encoding = b"Content-Encoding: " + name

    async def script(peer: Peer) -> None:
        while True:
            asked = await peer.request()
            if b'"stream": true' in asked.body:
                packed = pack(ROLE + chunk("Hello") + END + DONE)
                await stream(peer, packed[:20], packed[20:], headers=(SSE, encoding))
            else:
                await peer.answer(pack(completion()), JSON, encoding)

    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        streamed = await relay.chat(stream=True)
        whole = await relay.chat()
    assert streamed.text == "Hello"
    assert whole.json["choices"][0]["message"]["content"] == "Hello!"
    assert "content-encoding" not in whole.headers
    assert [bill.row.quota for bill in await relay.bills()] == [PRICE_OF_USAGE] * 2


async def test_interim_answers_are_skipped(relay: Stage) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
        await stream(peer, chunk("Hello"), END, DONE)

    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        assert (await relay.chat(stream=True)).text == "Hello"
    assert (await relay.bill()).source == "provider"


# Streams that have begun, and break.


async def _reset(peer: Peer) -> None:
    peer.reset()


async def _close(peer: Peer) -> None:
    peer.close()


async def _stall(peer: Peer) -> None:
    await peer.gone()


async def _garbage(peer: Peer) -> None:
    await peer.send(b"this is no chunk\r\n")


async def _half_a_frame(peer: Peer) -> None:
    await pieces(peer, b'data: {"choices":[{"delta":{"conte')
    await peer.send(b"0\r\n\r\n")


async def _too_large(peer: Peer) -> None:
    block = b"x" * (1 << 20)
    await pieces(peer, b"data: ")
    for _ in range(18):
        await pieces(peer, block)


async def _error_event(peer: Peer) -> None:
    await pieces(peer, frame(error("out of memory")), DONE)
    await peer.send(b"0\r\n\r\n")


async def _error_event_and_stall(peer: Peer) -> None:
    await pieces(peer, frame(error("out of memory")))
    await peer.gone()


BAD = [_reset, _close, _stall, _garbage, _half_a_frame, _too_large, _error_event, _error_event_and_stall]


@pytest.mark.parametrize("breaking", BAD)
@pytest.mark.parametrize("begun", [[ROLE, chunk("Hel"), chunk("lo")], [ROLE]], ids=["content", "role only"])
async def test_broken_streams(relay: Stage, breaking: Any, begun: list[bytes]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, *begun)
        await breaking(peer)

    relay.context.timeouts = replace(QUICK, idle_s=0.4)
    async with provider(script) as vendor:
        channel = await relay.add_channel(vendor)
        answer = await relay.chat(stream=True)
    said = "Hello" if len(begun) > 1 else ""
    assert answer.text == said
    assert answer.events[-1] == "[DONE]"
    assert answer.events.count("[DONE]") == 1
    errors = [event for event in answer.events[:-1] if "error" in event]
    assert len(errors) == 1
    assert errors[0]["error"]["message"]
    bill = await relay.bill()
    assert bill.source == "partial"
    assert bill.ending == ("idle timeout" if breaking is _stall else "upstream broke")
    assert bill.row.quota == units(PROMPT, 1 if said else 0)
    assert list(relay.context.health.resting()) == [channel]


@pytest.mark.parametrize("breaking", [_reset, _stall, _garbage])
async def test_what_breaks_behind_done_breaks_nothing(relay: Stage, breaking: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hello"), END, DONE)
        await breaking(peer)

    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.chat(stream=True)
    assert answer.text == "Hello"
    assert not any("error" in event for event in answer.events)
    bill = await relay.bill()
    assert (bill.source, bill.ending, bill.row.quota) == ("provider", "complete", PRICE_OF_USAGE)


async def test_an_early_count_of_the_prompt_is_not_the_bill(relay: Stage) -> None:
    """Some send the prompt's count with the first chunk, and then break."""
    early = {"prompt_tokens": 100, "completion_tokens": 0}

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        await pieces(peer, chunk("Hel", usage=early), chunk("lo"))
        peer.reset()

    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        await relay.chat(stream=True)
    bill = await relay.bill()
    assert (bill.row.prompt_tokens, bill.row.completion_tokens, bill.source) == (100, 1, "partial")


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 0}, (100, 1)),
        ({"prompt_tokens": 0, "completion_tokens": 10, "total_tokens": 10}, (PROMPT, 10)),
        ({"prompt_tokens": -5, "completion_tokens": -5}, (PROMPT, 1)),
        ({"prompt_tokens": "many"}, (PROMPT, 1)),
        ({}, (PROMPT, 1)),
        ("none", (PROMPT, 1)),
    ],
)
async def test_half_a_count_is_completed_here(
    relay: Stage, streamed: bool, given: Any, expected: tuple[int, int]
) -> None:
    script = streaming(chunk("Hello"), chunk(usage=given), DONE) if streamed else answering(completion("Hello", given))  # fmt: skip
    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        assert (await relay.chat(stream=streamed)).status == 200
    bill = await relay.bill()
    assert (bill.row.prompt_tokens, bill.row.completion_tokens) == expected
    assert bill.source == "estimate"
    assert bill.row.quota == units(*expected)


# Answers that are none: an HTTP error, nothing billed, and another channel is tried.


async def _no_head(peer: Peer) -> None:
    peer.reset()


async def _no_http(peer: Peer) -> None:
    await peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")


async def _half_a_head(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    peer.close()


async def _silence(peer: Peer) -> None:
    await peer.gone()


async def _head_and_silence(peer: Peer) -> None:
    await stream_head(peer)
    await peer.gone()


async def _pings_for_ever(peer: Peer) -> None:
    await stream_head(peer)
    while True:
        await pieces(peer, b": ping\n\n")
        await asyncio.sleep(0.05)


async def _html(peer: Peer) -> None:
    await peer.answer(b"<html><body>Sign in first</body></html>", b"Content-Type: text/html")


async def _html_in_events(peer: Peer) -> None:
    await stream(peer, b"data: <html>\n\n", b"data: </html>\n\n")


async def _nothing(peer: Peer) -> None:
    await peer.answer(b"", SSE)


async def _only_done(peer: Peer) -> None:
    await stream(peer, DONE)


async def _only_comments(peer: Peer) -> None:
    await stream(peer, b": a\n\n", b": b\n\n")


async def _error_object(peer: Peer) -> None:
    await peer.answer(error("quota used up", "insufficient_quota"), JSON)


async def _error_frame(peer: Peer) -> None:
    await stream(peer, frame(error("quota used up", "insufficient_quota")), DONE)


async def _short_body(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    peer.close()


async def _bad_gzip(peer: Peer) -> None:
    await peer.answer(b"\x1f\x8b nonsense", SSE, b"Content-Encoding: gzip")


async def _unknown_encoding(peer: Peer) -> None:
    await peer.answer(b"abc", SSE, b"Content-Encoding: rot13")


async def _half_json(peer: Peer) -> None:
    await peer.answer(b'{"choices": [', JSON)


async def _json_array(peer: Peer) -> None:
    await peer.answer(b"[1, 2]", JSON)


async def _no_content(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")


BOTH = [_no_head, _no_http, _half_a_head, _silence, _short_body, _bad_gzip, _unknown_encoding, _error_object,
        _half_json, _json_array, _no_content, _html]  # fmt: skip
STREAMED = [*BOTH, _head_and_silence, _pings_for_ever, _html_in_events, _nothing, _only_done, _only_comments, _error_frame]  # fmt: skip
UNARY = BOTH


@pytest.mark.parametrize(
    ("failing", "streamed"),
    [*((f, True) for f in STREAMED), *((f, False) for f in UNARY)],
    ids=lambda value: value.__name__ if callable(value) else ("streamed" if value else "unary"),
)
async def test_no_answer(database_settings: Any, database: Any, failing: Any, streamed: bool) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await failing(peer)

    async with stage(database_settings, database, first_content_timeout_s=0.6) as relay:
        relay.context.timeouts = replace(QUICK, first_byte_s=0.6, idle_s=0.8)
        async with (
            provider(script) as vendor,
            provider(answering(completion())) as other,
            provider(streaming(chunk("Hello"), END, DONE)) as other_stream,
        ):
            failed = await relay.add_channel(vendor, priority=1)
            answer = await relay.chat(stream=streamed)
            assert 500 <= answer.status < 600
            assert answer.error["message"].endswith(")")
            assert "request id: " in answer.error["message"]
            assert "127.0.0.1:" not in answer.error["message"]
            assert await relay.bills() == []
            assert relay.books().requests == 0
            # With another channel behind it, the caller notices nothing.
            await relay.set_option("RetryTimes", "1")
            relay.clock.now += 100
            await relay.add_channel(other_stream if streamed else other)
            answer = await relay.chat(stream=streamed)
            assert answer.status == 200
            assert (await relay.bill()).detail["attempts"][0]["channel"] == failed


async def test_the_time_for_everything(relay: Stage) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer)
        while True:
            await pieces(peer, chunk("on "))
            await asyncio.sleep(0.02)

    relay.context.timeouts = replace(QUICK, total_s=0.3)
    async with provider(script) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.chat(stream=True)
    assert answer.text.startswith("on on ")
    assert "error" in answer.events[-2]
    assert (await relay.bill()).source == "partial"


async def test_nobody_listens_there(relay: Stage) -> None:
    async with provider(answering(b"")) as vendor:
        address = vendor.url
    await relay.add_channel(address.partition("/v1/")[0])
    for base in ("http://no-such-host.invalid", "ftp://x", "http://[", "not an address"):
        await relay.add_channel(base, "m" + base)
        assert (await relay.chat(model="m" + base)).status >= 500
    answer = await relay.chat()
    assert answer.status == 500
    assert answer.error["code"] == "do_request_failed"
    assert "127.0.0.1" not in answer.error["message"]  # where channels lead to is the operator's business
    assert await relay.bills() == []


async def test_an_answer_shorter_than_promised_is_no_answer(relay: Stage) -> None:
    """... and one that is longer is read as far as promised."""

    async def longer(peer: Peer) -> None:
        await peer.request()
        await peer.answer(completion())
        await peer.send(b"and more")

    async with provider(longer) as vendor:
        await relay.add_channel(vendor)
        for _ in range(2):
            assert (await relay.chat()).json["usage"] == USAGE
        assert len(vendor.peers) == 2
    assert len(await relay.bills()) == 2


async def test_unary_without_usage_is_counted_here(relay: Stage) -> None:
    async with provider(answering(completion("Hello", None))) as vendor:
        await relay.add_channel(vendor)
        assert (await relay.chat()).status == 200
    bill = await relay.bill()
    assert (bill.source, bill.row.quota) == ("estimate", units(PROMPT, 1))


async def test_legacy_completions_streamed(relay: Stage) -> None:
    def piece(text: str) -> bytes:
        return frame({"object": "text_completion", "choices": [{"index": 0, "text": text}]})

    asked = {"model": "gpt-3.5-turbo-instruct", "prompt": "Say hello", "stream": True}
    async with provider(streaming(piece("Hel"), piece("lo"), DONE)) as vendor:
        await relay.add_channel(vendor, "gpt-3.5-turbo-instruct,nothing")
        answer = await relay.ask(asked, path="/v1/completions")
    assert answer.body == piece("Hel") + piece("lo") + DONE
    bill = await relay.bill()
    assert (bill.source, bill.row.prompt_tokens, bill.row.completion_tokens) == ("estimate", 2, 1)
    async with provider(streaming(DONE)) as vendor:
        await relay.add_channel(vendor, "nothing", priority=9)
        answer = await relay.ask({**asked, "model": "nothing"}, path="/v1/completions")
    assert answer.status == 502
