"""Line breaks in what admins and callers enter never become headers or requests of their own at a vendor."""

import json

import pytest

from oneapi_app.models import Token
from tests.relay.stage import ADMIN_KEY, KEY, Stage, completion
from tests.support.scripted import Peer, Provider, provider

EVIL = "\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"
TYPES = {
    1: "gpt-4o",
    3: "gpt-4o",
    14: "claude-3-5-sonnet",
    24: "gemini-2.5-flash",
    30: "llama3",
}
"""Channel types with different ways to say who is calling."""


async def vendor(peer: Peer) -> None:
    while True:
        asked = await peer.request()
        lines = [line.partition(b":")[0].strip().lower() for line in asked.head.split(b"\n")]
        assert asked.line.startswith(b"POST /") and b"x-evil" not in lines, asked.head
        await peer.answer(completion(), b"Content-Type: application/json")


def poisoned(server: Provider) -> list[dict[str, str]]:
    base = server.url.partition("/v1/")[0]
    return [
        {"key": f"sk{EVIL}"},
        {"base_url": f"{base}{EVIL}"},
        {"base_url": f"{base}/%0d%0aX-Evil:%201"},
        {"other": f"2024{EVIL}"},
        {"config": json.dumps({"api_version": f"v1{EVIL}", "user_id": EVIL, "library_id": EVIL})},
        {"model_mapping": json.dumps(dict.fromkeys(TYPES.values(), f"m{EVIL}"))},
        {"system_prompt": EVIL},
    ]


@pytest.mark.parametrize("number", TYPES)
async def test_channels(relay: Stage, number: int):
    """As old rows of a database may hold them: the API refuses most of it."""
    model = TYPES[number]
    async with provider(vendor) as server:
        for fields in poisoned(server):
            given = {"type": number, **fields}
            base = given.pop("base_url", server)
            channel = await relay.add_channel(base, model, **given)
            answer = await relay.chat(model=model, key=f"{ADMIN_KEY}-{channel}")
            assert answer.status < 600
            if answer.status != 200:
                assert "X-Evil" not in answer.error["message"]
            assert not any(name.startswith("x-evil") for name in answer.headers)
        assert server.peers, "none of them was ever asked"


async def test_callers(relay: Stage):
    async with provider(vendor) as server:
        await relay.add_channel(server, "gpt-4o,m")
        for fields in (
            {"model": f"gpt-4o{EVIL}"},
            {"user": EVIL},
            {"metadata": {EVIL: EVIL}},
            {"stop": [EVIL]},
            {"tools": [{"type": "function", "function": {"name": EVIL, "parameters": {}}}]},
        ):
            answer = await relay.chat(**fields)
            assert not any(name.startswith("x-evil") for name in answer.headers)


async def test_names_of_tokens(relay: Stage):
    """They are in refusals' texts, not in headers."""

    def rename(uow):
        uow.session.get(Token, 1).name = EVIL
        uow.session.get(Token, 1).status = 4

    await relay.database.run(rename)
    relay.context.callers.forget_key(KEY)
    answer = await relay.chat()
    assert answer.status == 401 and EVIL in answer.error["message"]
    assert not any(name.startswith("x-evil") for name in answer.headers)
