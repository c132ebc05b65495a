"""The plain call leaves behind what the whole story would, and hands over whatever is not plain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from oneapi_app.kit.database import UnitOfWork
from oneapi_app.models import RelayFailure
from oneapi_app.relay import asgi, flow, plain
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.reply import Reply
from tests.relay.stage import HELLO, JSON, Stage, answering, completion, error
from tests.support.scripted import Peer, Script, provider

ASKED: Mapping[str, Any] = {"model": "gpt-4o", "messages": HELLO}
COUNTED = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
CACHED = COUNTED | {
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 7},
}
OF_A_CALL = {"id", "created_at", "request_id", "elapsed_time"}


async def _chunked(peer: Peer) -> None:
    while True:
        await peer.request()
        body = completion(usage=COUNTED)
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
        await peer.send(head, b"%x\r\n%b\r\n" % (len(body), body), b"0\r\n\r\n")


async def _cut_short(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    peer.close()


async def _nothing(peer: Peer) -> None:
    await peer.request()
    peer.reset()


@dataclass
class Case:
    """What the first channel says; there is a second one, with an ordinary answer, where ``retried``."""

    script: Script
    plainly: bool = False
    """It never leaves the one function."""
    asked: Mapping[str, Any] = field(default_factory=lambda: ASKED)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    channel: Mapping[str, Any] = field(default_factory=dict[str, Any])
    query: str = ""
    retried: bool = False


CASES = {
    "counted": Case(answering(completion(usage=COUNTED)), plainly=True),
    "cached": Case(answering(completion(usage=CACHED)), plainly=True),
    "another kind of JSON": Case(
        answering(completion(usage=COUNTED), b"Content-Type: application/json; charset=utf-8"), plainly=True
    ),
    "no kind at all": Case(answering(completion(usage=COUNTED), b"X-Some: thing"), plainly=True),
    "with a query": Case(answering(completion(usage=COUNTED)), plainly=True, query="?a=b"),
    "accepting anything": Case(
        answering(completion(usage=COUNTED)), plainly=True, headers={"accept": "text/plain, */*"}
    ),
    "with a limit": Case(
        answering(completion(usage=COUNTED)), plainly=True, asked={**ASKED, "max_tokens": 500}
    ),
    "from a page": Case(
        answering(completion(usage=COUNTED)), plainly=True, headers={"origin": "https://blog"}
    ),
    "not counted": Case(answering(completion(usage=None))),
    "counted as nothing": Case(
        answering(completion(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}))
    ),
    "the prompt only": Case(answering(completion(usage={"prompt_tokens": 9, "completion_tokens": 0}))),
    "no error inside": Case(answering(completion(usage=COUNTED, error=None)), plainly=True),
    "an error inside": Case(answering(error("no such thing"), JSON), retried=True),
    "an error": Case(answering(error("out of order"), JSON, status=500), retried=True),
    "an error of the caller's": Case(answering(error("no such field"), JSON, status=400)),
    "too often": Case(answering(error("slowly"), JSON, b"Retry-After: 3", status=429), retried=True),
    "no JSON": Case(answering(b"<html>", b"Content-Type: text/html")),
    "201": Case(answering(completion(usage=COUNTED), JSON, status=201)),
    "in pieces": Case(_chunked),
    "cut short": Case(_cut_short, retried=True),
    "no answer": Case(_nothing, retried=True),
    "another name": Case(
        answering(completion(usage=COUNTED)), channel={"model_mapping": '{"gpt-4o":"gpt-4"}'}
    ),
    "a prompt of the channel's": Case(
        answering(completion(usage=COUNTED)), channel={"system_prompt": "Be brief."}
    ),
    "another dialect": Case(
        answering(
            b'{"id":"m","type":"message","role":"assistant","model":"gpt-4o","stop_reason":"end_turn",'
            b'"content":[{"type":"text","text":"Hi"}],"usage":{"input_tokens":9,"output_tokens":3}}',
            JSON,
        ),
        channel={"type": 14},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_both_ways_leave_the_same_behind(
    relay: Stage, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    await relay.set_option("RetryTimes", "1")
    told = 0

    async def story(*given: Any) -> None:
        nonlocal told
        told += 1
        await flow.relay_call(*given)

    async def whole_story(context: RelayContext, call: Call, reply: Reply, presence: Presence) -> None:
        await flow.relay_call(context, call, reply, presence, flow.draw(context, call)[1])

    async with provider(case.script) as vendor, provider(answering(completion(usage=COUNTED))) as second:
        await relay.add_channel(vendor, priority=1, **case.channel)
        if case.retried:
            await relay.add_channel(second)
        monkeypatch.setattr(plain, "relay_call", story)
        one = await _ask(relay, case)
        assert (told == 0) == case.plainly
        monkeypatch.setattr(asgi, "serve", whole_story)
        other = await _ask(relay, case)
    assert one == other


async def test_channels_that_are_not_plain_get_their_share(relay: Stage) -> None:
    """One draw a call: a second one, after a channel that needs the whole story, would favour the plain ones."""
    anthropic = CASES["another dialect"]
    async with provider(answering(completion(usage=COUNTED))) as one, provider(anthropic.script) as two:
        await relay.add_channel(one)
        converted = await relay.add_channel(two, **anthropic.channel)
        relay.context.dice.seed(5)
        for _ in range(200):
            assert (await relay.chat()).status == 200
    shares = [bill.row.channel_id for bill in await relay.bills()].count(converted)
    assert 80 <= shares <= 120


async def _ask(relay: Stage, case: Case) -> tuple[Any, ...]:
    """What came of a call, without what differs from call to call."""
    context = relay.context
    relay.clock.now += 3600  # no channel rests
    before = len(await relay.bills())
    served, failed = context.activity.served, context.activity.failed
    answer = await relay.ask(case.asked, path="/v1/chat/completions" + case.query, headers=case.headers)
    request_id = answer.headers.pop("x-oneapi-request-id")
    body = answer.body.replace(request_id.encode(), b"")
    answer.headers.pop("content-length")
    bills = (await relay.bills())[before:]
    rows = [
        {name: value for name, value in bill.row.model_dump().items() if name not in OF_A_CALL}
        for bill in bills
    ]
    for bill in bills:
        for attempt in bill.detail["attempts"]:
            attempt.pop("duration_ms")
    await context.failures.stop()
    failures = await relay.database.read(lambda uow: _failures(uow, request_id))
    counted = (context.activity.served - served, context.activity.failed - failed)
    return answer.status, answer.headers, body, rows, [bill.detail for bill in bills], failures, counted


def _failures(uow: UnitOfWork, request_id: str) -> list[tuple[Any, ...]]:
    found = uow.log_session.execute(select(RelayFailure).where(RelayFailure.request_id == request_id))
    return [(one.channel_id, one.status, one.kind, one.message) for one in found.scalars()]
