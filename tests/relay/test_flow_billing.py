"""Bills to the unit, through real requests: contract §8.4 and the rules around it."""

import json
from typing import Any

import pytest
from sqlalchemy import func, select

from oneapi_app.events import BalanceChanged
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.models import Channel, Log, Token, User
from tests.relay.stage import (
    DONE,
    QUOTA,
    Bill,
    Stage,
    answering,
    chunk,
    completion,
    streaming,
)
from tests.support.scripted import Peer, provider

JSON = b"Content-Type: application/json"


def used(prompt: int, answer: int, **details: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer} | details


async def billed(relay: Stage, answer: Any, fields: dict[str, Any], path: str, **channel: Any) -> Bill:
    """One request through a channel of its own."""
    script = answer if callable(answer) else answering(answer)
    async with provider(script) as vendor:
        await relay.add_channel(vendor, fields["model"], **channel)
        given = await relay.ask(fields, path=path)
        assert given.status == 200, given.body
    return await relay.bill()


async def chatted(relay: Stage, model: str, prompt: int, answer: int, **channel: Any) -> Bill:
    asked = {"model": model, "messages": [{"role": "user", "content": "x"}]}
    said = completion("hello" if answer else "", used(prompt, answer))
    return await billed(relay, said, asked, "/v1/chat/completions", **channel)


@pytest.mark.parametrize(
    ("model", "prompt", "answer", "quota", "text"),
    [
        ("gpt-4o", 1000, 500, 7500, "倍率：2.50 × 1.00 × 4.00"),
        ("gpt-3.5-turbo", 8, 2, 4, "倍率：0.25 × 1.00 × 3.00"),
        ("gpt-4", 10, 100, 3150, "倍率：15.00 × 1.00 × 2.00"),
        ("nobody-knows-it", 100, 100, 6000, "倍率：30.00 × 1.00 × 1.00"),
        ("glm-4-flash", 1000, 1000, 0, "倍率：0.00 × 1.00 × 1.00"),
        ("gpt-4o-mini", 1, 0, 1, "倍率：0.07 × 1.00 × 4.00"),
    ],
)
async def test_worked_examples(
    relay: Stage, model: str, prompt: int, answer: int, quota: int, text: str
) -> None:
    bill = await chatted(relay, model, prompt, answer)
    row = bill.row
    assert (row.quota, row.prompt_tokens, row.completion_tokens) == (quota, prompt, answer)
    assert (row.content, row.model_name, row.token_name) == (text, model, "token1")
    assert bill.source == "provider"
    assert bill.detail.get("unpriced", False) is (model == "nobody-knows-it")


async def test_dall_e_3(relay: Stage) -> None:
    asked = {"model": "dall-e-3", "prompt": "a cat", "size": "1024x1792", "quality": "hd"}
    bill = await billed(relay, b'{"created":1,"data":[{"url":"http://x"}]}', asked, "/v1/images/generations")
    assert (bill.row.quota, bill.row.content) == (60_000, "倍率：20.00 × 1.00")
    assert (bill.row.prompt_tokens, bill.row.completion_tokens) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "quota"),
    [
        ({"model": "dall-e-2"}, 12_500),
        ({"model": "dall-e-2", "n": 3}, 37_500),
        ({"model": "dall-e-2", "size": "256x256"}, 10_000),
        ({"model": "dall-e-3"}, 20_000),
        ({"model": "dall-e-3", "quality": "hd"}, 40_000),
        ({"model": "dall-e-3", "n": None, "size": None, "quality": None}, 20_000),
    ],
)
async def test_images(relay: Stage, fields: dict[str, Any], quota: int) -> None:
    bill = await billed(relay, b'{"data":[]}', {"prompt": "a cat", **fields}, "/v1/images/generations")
    assert bill.row.quota == quota


async def test_an_image_that_was_not_made_costs_nothing(relay: Stage) -> None:
    asked = {"model": "dall-e-3", "prompt": "a cat"}
    for status, body in ((400, b'{"error":{"message":"no"}}'), (200, b'{"error":{"message":"no"}}')):
        async with provider(answering(body, status=status)) as vendor:
            await relay.add_channel(vendor, "dall-e-3", priority=status)
            assert (await relay.ask(asked, path="/v1/images/generations")).status >= 400
    assert await relay.bills() == []


async def test_images_are_checked_and_priced_as_the_channel_maps_them(relay: Stage) -> None:
    async with provider(answering(b'{"data":[]}')) as vendor:
        await relay.add_channel(vendor, "draw", model_mapping=json.dumps({"draw": "dall-e-3"}))
        asked = {"model": "draw", "prompt": "a cat", "size": "256x256"}
        refused = await relay.ask(asked, path="/v1/images/generations")
        assert (refused.status, refused.error["code"]) == (400, "size_not_supported")
        assert (await relay.ask({**asked, "size": "1792x1024"}, path="/v1/images/generations")).status == 200
    assert (await relay.bill()).row.quota == 40_000


async def test_a_request_by_another_name_is_priced_the_same(relay: Stage) -> None:
    """What is sent on is what was checked and priced, whatever the caller calls its type."""
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked = await peer.request()
        seen.append(asked.headers[b"content-type"])
        await peer.answer(b'{"data":[]}', JSON)

    body = json.dumps({"model": "dall-e-3", "prompt": "a cat", "quality": "hd"}).encode()
    async with provider(script) as vendor:
        await relay.add_channel(vendor, "dall-e-3,dall-e-2")
        answer = await relay.ask(
            body=body, path="/v1/images/generations", headers={"content-type": "text/plain"}
        )
        assert answer.status == 200
        form = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ndall-e-3\r\n--x--\r\n'
        answer = await relay.ask(
            body=form, path="/v1/images/generations", headers={"content-type": "multipart/form-data; boundary=x"}
        )  # fmt: skip
        assert answer.status == 400
    assert seen == [b"application/json"]
    assert (await relay.bill()).row.quota == 40_000


async def test_speech_by_bytes(relay: Stage) -> None:
    asked = {"model": "tts-1", "input": "hello world", "voice": "alloy"}
    bill = await billed(relay, answering(b"\xff\xf3audio", b"Content-Type: audio/mpeg"), asked, "/v1/audio/speech")  # fmt: skip
    assert (bill.row.quota, bill.row.content) == (82, "倍率：7.50 × 1.00")
    assert (bill.row.prompt_tokens, bill.row.completion_tokens) == (82, 0)


async def test_speech_by_bytes_not_characters(relay: Stage) -> None:
    asked = {"model": "tts-1", "input": "你好", "voice": "alloy"}
    assert (await billed(relay, answering(b"x"), asked, "/v1/audio/speech")).row.quota == 45


FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n\xff\xf3\r\n--x--\r\n'


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
@pytest.mark.parametrize(
    ("answer", "kind", "tokens"),
    [
        (b'{"text":"hello world"}', b"application/json", 2),
        (b'{"task":"transcribe","language":"en","text":"hello world","segments":[]}', b"application/json", 2),
        (b"hello world\n", b"text/plain", 3),
        (b"1\n00:00:00,000 --> 00:00:02,000\nhello world\n\n", b"text/plain", 22),
        (b"", b"text/plain", 0),
    ],
)
async def test_transcriptions_by_their_text(
    relay: Stage, path: str, answer: bytes, kind: bytes, tokens: int
) -> None:
    seen: list[Any] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.answer(answer, b"Content-Type: " + kind)

    async with provider(script) as vendor:
        await relay.add_channel(vendor, "whisper-1")
        given = await relay.ask(
            body=FORM, path=path, headers={"content-type": "multipart/form-data; boundary=x"}
        )
    assert (given.status, given.body, given.headers["content-type"]) == (200, answer, kind.decode())
    assert seen[0].body == FORM
    assert seen[0].headers[b"content-type"] == b"multipart/form-data; boundary=x"
    bill = await relay.bill()
    assert bill.row.model_name == "whisper-1"
    assert bill.row.prompt_tokens == tokens
    assert bill.row.quota == tokens * 15


async def test_embeddings_and_moderations(relay: Stage) -> None:
    async def script(peer: Peer) -> None:
        while True:
            asked = await peer.request()
            if b"embeddings" in asked.line:
                await peer.answer(
                    b'{"object":"list","data":[],"usage":{"prompt_tokens":40,"total_tokens":40}}'
                )
            else:
                await peer.answer(b'{"id":"m","results":[{"flagged":false}]}')

    async with provider(script) as vendor:
        await relay.add_channel(
            vendor, "text-embedding-3-small,text-moderation-stable,text-embedding-ada-002"
        )
        asked = {"model": "text-embedding-3-small", "input": ["a", "b"]}
        assert (await relay.ask(asked, path="/v1/embeddings")).status == 200
        assert (await relay.ask({"input": ["hello world", "hello"]}, path="/v1/moderations")).status == 200
        path = "/v1/engines/text-embedding-ada-002/embeddings"
        assert (await relay.ask({"input": [1, 2, 3]}, path=path)).status == 200
    bills = await relay.bills()
    assert [(b.row.model_name, b.row.prompt_tokens, b.row.completion_tokens, b.source) for b in bills] == [
        ("text-embedding-3-small", 40, 0, "provider"),
        ("text-moderation-stable", 3, 0, "estimate"),
        ("text-embedding-ada-002", 40, 0, "provider"),
    ]
    assert [b.row.quota for b in bills] == [1, 1, 2]


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [("Say hello", 2), (["Say hello", "Say hello"], 4), ([1, 2, 3], 3), ([[1, 2], [3]], 3)],
)
async def test_prompts_counted_here(relay: Stage, prompt: Any, tokens: int) -> None:
    body = b'{"choices":[{"text":"hello world"}]}'
    asked = {"model": "gpt-3.5-turbo-instruct", "prompt": prompt}
    bill = await billed(relay, body, asked, "/v1/completions")
    assert (bill.row.prompt_tokens, bill.row.completion_tokens, bill.source) == (tokens, 2, "estimate")


# Ratios.


@pytest.mark.parametrize(
    ("option", "value", "quota"),
    [
        ("ModelRatio", {"gpt-4o": 10}, (100 + 40) * 10),
        ("ModelRatio", {"gpt-4o(1)": 7, "gpt-4o": 10}, (100 + 40) * 7),
        ("ModelRatio", {"gpt-4o(3)": 7}, 350),
        ("ModelRatio", {"gpt-4o": 0}, 0),
        ("CompletionRatio", {"gpt-4o": 1}, 275),
        ("CompletionRatio", {"gpt-4o": 2.5}, 313),
        ("GroupRatio", {"default": 0.5, "vip": 9}, 175),
        ("GroupRatio", {"vip": 9}, 350),
        ("GroupRatio", {"default": 0}, 0),
        ("GroupRatio", {"default": 0.0001}, 1),
    ],
)
async def test_ratios(relay: Stage, option: str, value: dict[str, float], quota: int) -> None:
    await relay.set_option(option, json.dumps(value))
    assert (await chatted(relay, "gpt-4o", 100, 10)).row.quota == quota


async def test_the_mapped_model_is_what_counts(relay: Stage) -> None:
    bill = await chatted(relay, "cheap", 100, 10, model_mapping=json.dumps({"cheap": "gpt-4o"}))
    assert (bill.row.quota, bill.row.model_name) == (350, "gpt-4o")


async def test_the_group_of_the_user(relay: Stage) -> None:
    def move(uow: UnitOfWork) -> None:
        uow.session.get(User, 1).group = "vip"  # type: ignore[union-attr]

    await relay.database.run(move)
    await relay.set_option("GroupRatio", json.dumps({"default": 1, "vip": 3}))
    bill = await chatted(relay, "gpt-4o", 100, 10, group="vip")
    assert (bill.row.quota, bill.row.content) == (1050, "倍率：2.50 × 3.00 × 4.00")


async def test_cached_and_reasoning_tokens_are_told(relay: Stage) -> None:
    """At full price, as the original bills vendors that count them among the others."""
    details = {
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    bill = await billed(
        relay, completion(usage=used(100, 10, **details)), asked, "/v1/chat/completions"
    )  # fmt: skip
    assert (bill.row.quota, bill.row.prompt_tokens) == (350, 100)


async def test_a_forced_prompt_counts_where_the_provider_does_not(relay: Stage) -> None:
    """The vendor charges for the operator's prompt, too, and its count says so; ours is of what the caller sent."""
    bill = await chatted(relay, "gpt-4o", 100, 10, system_prompt="Be brief. " * 50)
    assert (bill.row.quota, bill.row.system_prompt_reset) == (350, True)


# Options.


async def test_without_log_rows(relay: Stage) -> None:
    await relay.set_option("LogConsumeEnabled", "false")
    async with provider(answering(completion())) as vendor:
        channel = await relay.add_channel(vendor)
        for _ in range(3):
            assert (await relay.chat()).status == 200
    await relay.settled()
    assert await _standing(relay, channel) == (QUOTA - 1050, 1050, 3, QUOTA - 1050, 1050, 1050, 0)


async def _standing(relay: Stage, channel_id: int) -> tuple[int | None, ...]:
    def read(uow: UnitOfWork) -> tuple[int | None, ...]:
        user, token = uow.session.get(User, 1), uow.session.get(Token, 1)
        channel = uow.session.get(Channel, channel_id)
        assert user and token and channel
        rows = uow.log_session.execute(select(func.count()).select_from(Log)).scalar_one()
        return (user.quota, user.used_quota, user.request_count, token.remain_quota, token.used_quota, channel.used_quota, rows)  # fmt: skip

    return await relay.database.read(read)


async def test_counters(relay: Stage) -> None:
    async with provider(answering(completion())) as vendor:
        channel = await relay.add_channel(vendor)
        await relay.chat()
        await relay.chat()
    await relay.settled()
    assert await _standing(relay, channel) == (QUOTA - 700, 700, 2, QUOTA - 700, 700, 700, 2)


async def test_an_unlimited_token_only_spends_its_owners_quota(relay: Stage) -> None:
    def unlimit(uow: UnitOfWork) -> None:
        token = uow.session.get(Token, 1)
        assert token
        token.unlimited_quota, token.remain_quota = True, 0

    await relay.database.run(unlimit)
    async with provider(answering(completion())) as vendor:
        channel = await relay.add_channel(vendor)
        assert (await relay.chat()).status == 200
    await relay.settled()
    standing = await _standing(relay, channel)
    assert standing[:4] == (QUOTA - 350, 350, 1, 0)

    def restore(uow: UnitOfWork) -> None:
        token = uow.session.get(Token, 1)
        assert token
        token.unlimited_quota, token.remain_quota, token.used_quota = False, QUOTA - 350, 350

    await relay.database.run(restore)


@pytest.mark.parametrize(
    ("approximate", "tokens"), [("false", 15), ("true", 3 + 3 + int(4 * 0.38) + int(44 * 0.38))]
)
async def test_approximate_counting(relay: Stage, approximate: str, tokens: int) -> None:
    await relay.set_option("ApproximateTokenEnabled", approximate)
    messages = [{"role": "user", "content": "The quick brown fox jumps over the lazy dog."}]
    asked = {"model": "gpt-3.5-turbo", "messages": messages, "stream": True}
    bill = await billed(relay, streaming(chunk("Hello"), DONE), asked, "/v1/chat/completions")
    assert bill.row.prompt_tokens == tokens + (2 if approximate == "false" else 0)
    assert bill.row.completion_tokens == 1


# What is there.


async def _set_quota(relay: Stage, *, user: int, token: int) -> None:
    def work(uow: UnitOfWork) -> None:
        owner, key = uow.session.get(User, 1), uow.session.get(Token, 1)
        assert owner and key
        owner.quota, key.remain_quota = user, token
        uow.publish(BalanceChanged(1, 1))

    await relay.database.run(work)


async def _give_back(relay: Stage) -> None:
    """The fixture compares what is left with what was spent."""
    await relay.settled()
    spent = sum(bill.row.quota or 0 for bill in await relay.bills())
    await _set_quota(relay, user=QUOTA - spent, token=QUOTA - spent)


async def test_a_request_beyond_what_is_there_is_refused(relay: Stage) -> None:
    async with provider(answering(completion(usage=used(2, 1)))) as vendor:
        await relay.add_channel(vendor, "gpt-4")
        asked = {"model": "gpt-4", "messages": [{"role": "user", "content": "x"}], "max_tokens": 100}
        for user, token, message, code in (
            (9000, QUOTA, "user quota is not enough", "insufficient_user_quota"),
            (QUOTA, 9000, "令牌额度不足", "pre_consume_token_quota_failed"),
        ):
            await _set_quota(relay, user=user, token=token)
            answer = await relay.ask(asked)
            assert (answer.status, answer.error["code"]) == (403, code)
            assert answer.error["message"].startswith(message)
        assert vendor.peers == []
        # (500 + 8 + 100) * 15, see contract 8.2.
        await _set_quota(relay, user=9120, token=9120)
        assert (await relay.ask(asked)).status == 200
    assert (await relay.bill()).row.quota == 60
    await _give_back(relay)


async def test_an_empty_token_is_told_so(relay: Stage) -> None:
    async with provider(answering(completion())) as vendor:
        await relay.add_channel(vendor)
        await _set_quota(relay, user=QUOTA, token=0)
        answer = await relay.chat()
    assert (answer.status, answer.error["message"].partition(" (")[0]) == (401, "该令牌额度已用尽")
    await relay.settled()

    def read(uow: UnitOfWork) -> int | None:
        token = uow.session.get(Token, 1)
        return token.status if token else None

    assert await relay.database.read(read) == 4
    await _give_back(relay)


async def test_what_cannot_be_collected_is_told(relay: Stage) -> None:
    """The answer turns out dearer than all there is."""
    async with provider(answering(completion(usage=used(5000, 5000)))) as vendor:
        await relay.add_channel(vendor)
        await _set_quota(relay, user=QUOTA, token=2000)
        assert (await relay.chat()).status == 200
    bill = await relay.bill()
    assert bill.row.quota == 2000
    assert bill.detail["uncollected_units"] == 62_500 - 2000
    await _give_back(relay)
