"""The endings of ``test_flow_endings`` where the vendor speaks a dialect of its own."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.providers import vendors
from tests.relay.stage import QUICK, Stage, answering, pieces, stage, stream, stream_head
from tests.support.scripted import Peer, provider

ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Weather?"}], "stream": True}
PROMPT = 9


@dataclass(frozen=True)
class Vendor:
    """``events`` of a whole good answer; ``before_end``: how many of them carry all of its text, but not its end."""

    kind: int
    model: str
    answer: dict[str, Any]
    events: list[bytes]
    before_end: int
    error_event: bytes
    error_body: bytes
    counts_prompt_first: bool
    """The vendor tells the prompt's tokens with the first event."""
    content_type: bytes = b"Content-Type: text/event-stream"


_ANTHROPIC = vendors.anthropic_message({"messages": [{"content": "x"}], "max_tokens": 100, "model": "c"})
_GOOGLE = vendors.google_answer({"contents": [{"parts": []}]})
_OLLAMA = vendors.ollama_answer({"messages": [{"role": "user"}], "model": "q"})
_CLAUDE_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
_GOOGLE_ERROR = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
VENDORS = {
    "anthropic": Vendor(
        14, "claude-sonnet-4-5", _ANTHROPIC, vendors.anthropic_events(_ANTHROPIC), -2,
        vendors.sse(_CLAUDE_ERROR, "error"), json.dumps(_CLAUDE_ERROR).encode(), True,
    ),
    "gemini": Vendor(
        24, "gemini-2.5-flash", _GOOGLE, vendors.google_events(_GOOGLE), -1,
        vendors.sse(_GOOGLE_ERROR), json.dumps(_GOOGLE_ERROR).encode(), False,
    ),
    "ollama": Vendor(
        30, "qwen3", _OLLAMA, vendors.ollama_lines(_OLLAMA), -1,
        b'{"error":"Overloaded"}\n', b'{"error":"Overloaded"}', False, b"Content-Type: application/x-ndjson",
    ),
}  # fmt: skip
each = pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))


async def ask(relay: Stage, vendor: Vendor, script: Any, **fields: Any) -> Any:
    async with provider(script) as address:
        await relay.add_channel(address, vendor.model, type=vendor.kind)
        return await relay.ask({**ASKED, "model": vendor.model, **fields})


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@each
@pytest.mark.parametrize("cut", ["events", "bytes", "at once", "CRLF", "comments", "no end of line"])
async def test_good_streams(relay: Stage, vendor: Vendor, cut: str) -> None:
    events = vendor.events
    if cut == "bytes":
        events = split(b"".join(events), 1)
    elif cut == "at once":
        events = [b"".join(events)]
    elif cut == "CRLF":
        events = [event.replace(b"\n", b"\r\n") for event in events]
    elif cut == "comments" and vendor.kind != 30:
        events = [b": ping\n\n", *(event + b": x\n\n" for event in events)]
    elif cut == "no end of line":
        events = [*events[:-1], events[-1].rstrip(b"\n")]

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream(peer, *events, headers=(vendor.content_type,))

    answer = await ask(relay, vendor, script, stream_options={"include_usage": True})
    assert answer.text == vendors.ANSWER
    assert answer.events[-1] == "[DONE]"
    assert answer.events[-2]["usage"]["prompt_tokens"] == 124
    assert answer.events[-3]["choices"][0]["finish_reason"] == "stop"
    bill = await relay.bill()
    assert (bill.source, bill.ending) == ("provider", "complete")
    assert (bill.row.prompt_tokens, bill.row.completion_tokens) == (124, 30)


@each
async def test_a_line_of_two_megabytes(relay: Stage, vendor: Vendor) -> None:
    text = "0123456\u2028" * (1 << 18)
    old, new = (json.dumps(said)[1:-1].encode() for said in (vendors.pieces(vendors.ANSWER)[0], text))
    events = [event.replace(old, new) for event in vendor.events]

    async def script(peer: Peer) -> None:
        await peer.request()
        await stream(peer, *events, headers=(vendor.content_type,))

    answer = await ask(relay, vendor, script)
    assert len(answer.text) > len(text)
    assert (await relay.bill()).source == "provider"


async def _reset(_vendor: Vendor, peer: Peer) -> None:
    peer.reset()


async def _ends_early(_vendor: Vendor, peer: Peer) -> None:
    await peer.send(b"0\r\n\r\n")


async def _stalls(_vendor: Vendor, peer: Peer) -> None:
    await peer.gone()


async def _garbage(vendor: Vendor, peer: Peer) -> None:
    garbage = b"<html>what?</html>\n"
    await pieces(peer, garbage if vendor.kind == 30 else b"data: " + garbage + b"\n")
    await peer.gone()


async def _error(vendor: Vendor, peer: Peer) -> None:
    await pieces(peer, vendor.error_event)
    await peer.send(b"0\r\n\r\n")


async def _error_and_stall(vendor: Vendor, peer: Peer) -> None:
    await pieces(peer, vendor.error_event)
    await peer.gone()


BREAKING = [_reset, _ends_early, _stalls, _garbage, _error, _error_and_stall]


@each
@pytest.mark.parametrize("breaking", BREAKING)
async def test_broken_streams(relay: Stage, vendor: Vendor, breaking: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await stream_head(peer, vendor.content_type)
        await pieces(peer, *vendor.events[: vendor.before_end])
        await breaking(vendor, peer)

    relay.context.timeouts = replace(QUICK, idle_s=0.4)
    answer = await ask(relay, vendor, script)
    assert answer.text == vendors.ANSWER
    assert [("error" in event) for event in answer.events[-2:]] == [True, False]
    assert sum("error" in event for event in answer.events) == 1
    bill = await relay.bill()
    assert bill.source == "partial"
    assert bill.ending == ("idle timeout" if breaking is _stalls else "upstream broke")
    assert bill.row.prompt_tokens == (124 if vendor.counts_prompt_first else PROMPT)
    assert bill.row.completion_tokens == 6
    assert relay.context.health.resting()


async def _error_body(vendor: Vendor, peer: Peer) -> None:
    await peer.answer(vendor.error_body, b"Content-Type: application/json")


async def _error_status(vendor: Vendor, peer: Peer) -> None:
    await peer.answer(vendor.error_body, b"Content-Type: application/json", status=529)


async def _error_event(vendor: Vendor, peer: Peer) -> None:
    await stream(peer, vendor.error_event, headers=(vendor.content_type,))


async def _html(_vendor: Vendor, peer: Peer) -> None:
    await peer.answer(b"<html>Sign in</html>", b"Content-Type: text/html")


async def _nothing(vendor: Vendor, peer: Peer) -> None:
    await peer.answer(b"", vendor.content_type)


async def _only_the_start(vendor: Vendor, peer: Peer) -> None:
    """Silence behind the first event, which carries no content with Anthropic."""
    await stream_head(peer, vendor.content_type)
    await pieces(peer, vendor.events[0] if vendor.kind == 14 else b"\n")
    await peer.gone()


async def _pings(vendor: Vendor, peer: Peer) -> None:
    await stream_head(peer, vendor.content_type)
    for _ in range(20):
        await pieces(peer, vendors.sse({"type": "ping"}, "ping") if vendor.kind == 14 else b"\n\n")
    await peer.gone()


FAILING = [_error_body, _error_status, _error_event, _html, _nothing, _only_the_start, _pings]


@each
@pytest.mark.parametrize("failing", FAILING)
async def test_no_answer(database_settings: Any, database: Any, vendor: Vendor, failing: Any) -> None:
    async def bad(peer: Peer) -> None:
        while True:
            await peer.request()
            await failing(vendor, peer)

    async def good(peer: Peer) -> None:
        await peer.request()
        await stream(peer, *vendor.events, headers=(vendor.content_type,))

    async with stage(database_settings, database, first_content_timeout_s=0.6) as relay:
        relay.context.timeouts = replace(QUICK, idle_s=0.8)
        async with provider(bad) as one, provider(good) as two:
            await relay.add_channel(one, vendor.model, type=vendor.kind, priority=1)
            answer = await relay.ask({**ASKED, "model": vendor.model})
            assert 500 <= answer.status < 600
            assert "request id: " in answer.error["message"]
            if failing in (_error_body, _error_status, _error_event):
                assert answer.error["message"].startswith("Overloaded")
            assert await relay.bills() == []
            await relay.set_option("RetryTimes", "1")
            relay.clock.now += 100
            await relay.add_channel(two, vendor.model, type=vendor.kind)
            assert (await relay.ask({**ASKED, "model": vendor.model})).text == vendors.ANSWER
        assert (await relay.bill()).source == "provider"


@each
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"<html>", b'{"type":5,"candidates":5,"message":5}', b"\xff\xfe", b'{"a":' * 5000],
)
async def test_unary_garbage(relay: Stage, vendor: Vendor, body: bytes) -> None:
    answer = await ask(relay, vendor, answering(body), stream=False)
    assert 500 <= answer.status < 600
    assert "request id: " in answer.error["message"]
    assert await relay.bills() == []


@each
async def test_unary_without_usage(relay: Stage, vendor: Vendor) -> None:
    told = {"usage", "usageMetadata", "prompt_eval_count", "eval_count"}
    bare = {name: value for name, value in vendor.answer.items() if name not in told}
    answer = await ask(relay, vendor, answering(json.dumps(bare).encode()), stream=False)
    assert answer.json["choices"][0]["message"]["content"] == vendors.ANSWER
    bill = await relay.bill()
    assert (bill.source, bill.row.prompt_tokens, bill.row.completion_tokens) == ("estimate", PROMPT, 6)


async def test_what_one_dialect_cannot_say_another_may(relay: Stage) -> None:
    """A request for two answers passes the channel that gives but one, without asking it."""
    await relay.set_option("RetryTimes", "1")
    said = b'{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'  # fmt: skip
    async with provider(answering(b"")) as claude, provider(answering(said)) as other:
        first = await relay.add_channel(claude, "claude-sonnet-4-5", type=14, priority=1)
        await relay.add_channel(other, "claude-sonnet-4-5")
        answer = await relay.ask({**ASKED, "model": "claude-sonnet-4-5", "n": 2, "stream": False})
        assert answer.status == 200
        assert claude.peers == []
        assert first not in relay.context.health.resting()


async def test_anthropics_cache_has_its_own_prices(relay: Stage) -> None:
    """Read at a tenth, written at a quarter more: 20 + 100 * 0.1 + 4 * 1.25 tokens, and 30 at five times the price."""
    vendor = VENDORS["anthropic"]
    await relay.set_option("ModelRatio", json.dumps({vendor.model: 1.5}))
    await relay.set_option("CompletionRatio", json.dumps({vendor.model: 5}))
    await ask(relay, vendor, answering(json.dumps(vendor.answer).encode()), stream=False)
    bill = await relay.bill()
    assert bill.row.quota == -(-(35 + 150) * 3 // 2)
    assert bill.row.prompt_tokens == 124


@pytest.mark.parametrize("depth", [400, 480, 900])
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_answer_nested_too_deeply(relay: Stage, depth: int, streamed: bool) -> None:
    """It can be read, just so, but perhaps not be written again."""
    deep = '{"a":' * depth + "1" + "}" * depth
    part = '{"functionCall":{"name":"f","args":' + deep + "}}"
    whole = '{"candidates":[{"content":{"parts":[' + part + ']},"finishReason":"STOP"}]}'
    sent = b"data: " + whole.encode() + b"\n\n" if streamed else whole.encode()
    kind = VENDORS["gemini"].content_type if streamed else b"Content-Type: application/json"
    answer = await ask(relay, VENDORS["gemini"], answering(sent, kind), stream=streamed)
    assert answer.status in (200, 500, 502)
    if answer.status != 200:
        assert "internal" not in answer.error["message"]
        assert await relay.bills() == []
