"""Keys stay between caller, relay and vendor, and prompts out of the log.

A stored failure has the vendor's own words, for admins; those may quote the caller, but no key gets through.
"""

import json
import logging

import pytest
from sqlmodel import select

from oneapi_app.models import RelayFailure
from tests.relay.stage import JSON, KEY, Stage, answering, completion
from tests.support.scripted import provider

CHANNEL_KEY = "sk-planted-channel-key-0001"
PROMPT = "planted-prompt-of-a-caller"


def echo(status: int) -> bytes:
    text = f"Incorrect API key provided: {CHANNEL_KEY}. You said: {PROMPT}"
    return json.dumps({"error": {"message": text, "type": "invalid_request_error", "code": status}}).encode()


ANSWERS = {
    "401 with the key": (401, lambda: echo(401)),
    "400 with the key": (400, lambda: echo(400)),
    "500 with the key": (500, lambda: echo(500)),
    "200 with an error": (200, lambda: echo(200)),
    "no JSON": (502, lambda: f"<html>{CHANNEL_KEY} {PROMPT}</html>".encode()),
    "broken JSON": (200, lambda: f'{{"key": "{CHANNEL_KEY}", "{PROMPT}'.encode()),
    "fine": (200, lambda: completion(PROMPT)),
}


@pytest.mark.parametrize("how", ANSWERS)
@pytest.mark.parametrize("stream", [False, True])
async def test_nothing_planted_is_written_down_or_told(relay: Stage, caplog, how: str, stream: bool):
    caplog.set_level(logging.DEBUG)
    status, body = ANSWERS[how]
    async with provider(answering(body(), JSON, status=status)) as vendor:
        await relay.add_channel(vendor, key=CHANNEL_KEY)
        answer = await relay.chat(stream=stream, messages=[{"role": "user", "content": PROMPT}])
    assert CHANNEL_KEY.encode() not in answer.body
    await relay.settled()
    await relay.context.failures.stop()
    stored = await relay.database.read(
        lambda uow: [str(row.model_dump()) for row in uow.log_session.exec(select(RelayFailure))]
    )
    written = caplog.text + "".join(str(bill) for bill in await relay.bills())
    assert PROMPT not in written
    for key in (CHANNEL_KEY, KEY):
        assert key not in written + "".join(stored)
    assert stored or how in ("fine", "broken JSON")
