"""Large requests do not keep the others waiting: the longest stretch of work between two turns of the event loop.

Counted in CPU time of the loop's thread, so that a busy machine does not matter.
"""

import asyncio
import base64
import gc
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.relay.stage import DONE, HELLO, Stage, answering, chunk, completion, streaming
from tests.support.scripted import provider

MB = 1 << 20


class Longest:
    """CPU seconds of the longest callback so far."""

    seconds = 0.0


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Longest]:
    found = Longest()
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        found.seconds = max(found.seconds, time.thread_time() - began)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    gc.collect()
    gc.freeze()  # what other tests have left behind is not for this one's garbage collection to look at
    yield found
    gc.unfreeze()


WORDS = "The quick brown fox jumps over the lazy dog, 42 times. "
PROMPTS: dict[str, Any] = {
    "prose": [{"role": "user", "content": WORDS * (5 * MB // len(WORDS))}],
    "Chinese": [{"role": "user", "content": "敏捷的棕色狐狸跳过了懒狗。" * (5 * MB // 39)}],
    "no blanks": [{"role": "user", "content": "x9" * (5 * MB // 2)}],
    "many messages": [{"role": "user", "content": "hi " * 10}] * 60_000,
    "many parts": [{"role": "user", "content": [{"type": "text", "text": "hi " * 10}] * 60_000}],
    "an image": [{"role": "user", "content": [{"type": "image_url", "image_url": {
        "url": "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(4 * MB)).decode()}}]}],
}  # fmt: skip
LIMIT_S = 0.2
"""Converting 60,000 messages takes three times as long; the first use of a tokenizer, which loads it, a third."""
KINDS = {1: "gpt-4o", 14: "claude-3-opus", 24: "gemini-2.5-pro", 30: "llama3"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [*((1, name) for name in PROMPTS), *((kind, "many messages") for kind in KINDS if kind != 1)],
)
async def test_five_megabytes_of_request(relay: Stage, longest: Longest, kind: int, name: str) -> None:
    asked = {"model": KINDS[kind], "messages": PROMPTS[name]}
    body = json.dumps(asked, ensure_ascii=False).encode()
    async with provider(answering(completion(usage=None))) as vendor:
        await relay.add_channel(vendor, KINDS[kind], type=kind)
        longest.seconds = 0.0
        caller = await relay.ask(body=body)
        await relay.settled()
    # The fake's answer is in OpenAI's words, which the others do not understand.
    assert caller.status == (200 if kind == 1 else 500)
    assert longest.seconds < LIMIT_S
    if kind == 1:
        assert (await relay.bill()).row.prompt_tokens > (5000 if name != "an image" else 0)


async def test_large_answers(relay: Stage, longest: Longest) -> None:
    said = {"type": "message", "id": "m", "content": [{"type": "text", "text": WORDS}] * 60_000}
    said["usage"] = {"input_tokens": 1, "output_tokens": 1}
    long = WORDS * (3 * MB // len(WORDS))
    async with (
        provider(answering(json.dumps(said).encode())) as unary,
        provider(streaming(chunk(long), chunk(long), chunk(), DONE)) as streamed,
    ):
        await relay.add_channel(unary, "claude-3-opus", type=14)
        await relay.add_channel(streamed)
        longest.seconds = 0.0
        answer = await relay.chat(model="claude-3-opus")
        assert len(answer.json["choices"][0]["message"]["content"]) == 60_000 * len(WORDS)
        answer = await relay.chat(stream=True, messages=HELLO)
        assert len(answer.text) == 2 * len(long)
        longest_of_ours = longest.seconds
        await relay.settled()
    assert longest_of_ours < LIMIT_S
