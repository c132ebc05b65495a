"""Who may call, from where, with which model: contract §6.1 and §6.3, in the order and the words of the original."""

import time
from typing import Any

import pytest

from oneapi_app.events import TokenChanged, UserChanged
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.models import Token, User
from oneapi_app.relay import flow, plain
from tests.relay.stage import CHAT, HELLO, KEY, Caller, Stage, answering, completion
from tests.support.scripted import provider

ASKED = {"model": "gpt-4o", "messages": HELLO}


async def change(relay: Stage, *, token: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> None:  # fmt: skip
    """As a service would, events included."""

    def work(uow: UnitOfWork) -> None:
        found, owner = uow.session.get(Token, 1), uow.session.get(User, 1)
        assert found
        assert owner
        for row, columns in ((found, token or {}), (owner, user or {})):
            for name, value in columns.items():
                setattr(row, name, value)
        uow.publish(TokenChanged(1, KEY))
        uow.publish(UserChanged(1))

    await relay.database.run(work)


def message(answer: Caller) -> str:
    """Without the request id, which every refusal ends with."""
    text, separator, _ = answer.error["message"].rpartition(" (request id: ")
    assert separator
    assert answer.error.keys() == {"message", "type"}, "the early refusals have no more"
    assert answer.error["type"] == "one_api_error"
    return text


@pytest.mark.parametrize(
    ("token", "user", "status", "text"),
    [
        ({"status": 4}, {}, 401, "令牌 token1（#1）额度已用尽"),
        ({"status": 3}, {}, 401, "该令牌已过期"),
        ({"status": 2}, {}, 401, "该令牌状态不可用"),
        ({"status": 0}, {}, 401, "该令牌状态不可用"),
        ({"expired_time": 1}, {}, 401, "该令牌已过期"),
        ({"expired_time": 0}, {}, 401, "该令牌已过期"),
        ({"subnet": "10.0.0.0/8,::1/128"}, {}, 403, "该令牌只能在指定网段使用：10.0.0.0/8,::1/128，当前 ip：127.0.0.1"),
        ({"subnet": "nonsense"}, {}, 403, "该令牌只能在指定网段使用：nonsense，当前 ip：127.0.0.1"),
        ({}, {"status": 2}, 403, "用户已被封禁"),
        ({}, {"status": 3}, 403, "用户已被封禁"),
        ({"models": "gpt-4,gpt-5"}, {}, 403, "该令牌无权使用模型：gpt-4o"),
        ({}, {"group": "vip"}, 503, "当前分组 vip 下对于模型 gpt-4o 无可用渠道"),
    ],
)  # fmt: skip
async def test_refusals(
    relay: Stage, token: dict[str, Any], user: dict[str, Any], status: int, text: str
) -> None:
    async with provider(answering(completion())) as vendor:
        await relay.add_channel(vendor)
        assert (await relay.ask(ASKED)).status == 200
        await change(relay, token=token, user=user)
        answer = await relay.ask(ASKED)
    assert (answer.status, message(answer)) == (status, text)
    assert len(await relay.bills()) == 1


@pytest.mark.parametrize(
    "token",
    [
        {"subnet": "127.0.0.0/8"},
        {"subnet": "10.0.0.0/8, 127.0.0.1/32"},
        {"subnet": "127.0.0.5/8"},
        {"models": "gpt-4,gpt-4o"},
        {"expired_time": -1},
        {"expired_time": int(time.time()) + 3600},
    ],
)
async def test_admitted(relay: Stage, token: dict[str, Any]) -> None:
    await change(relay, token=token)
    async with provider(answering(completion())) as vendor:
        await relay.add_channel(vendor)
        assert (await relay.ask(ASKED)).status == 200


@pytest.mark.parametrize("authorization", [f"Bearer sk-{KEY}", f"Bearer {KEY}", f"sk-{KEY}", KEY])
async def test_forms_of_a_key(relay: Stage, authorization: str) -> None:
    async with provider(answering(completion())) as vendor:
        await relay.add_channel(vendor)
        assert (await relay.ask(ASKED, headers={"authorization": authorization})).status == 200


async def test_other_places_for_a_key_are_not_looked_at(relay: Stage) -> None:
    for headers in ({"authorization": "", "x-api-key": KEY}, {"authorization": "", "api-key": KEY}):
        answer = await relay.ask(ASKED, headers=headers, path=f"{CHAT}?key={KEY}")
        assert (answer.status, message(answer)) == (401, "未提供令牌")


async def test_an_expired_token_is_written_down(relay: Stage) -> None:
    await change(relay, token={"expired_time": 1})
    assert (await relay.ask(ASKED)).status == 401
    await relay.settled()

    def read(uow: UnitOfWork) -> int | None:
        token = uow.session.get(Token, 1)
        return token.status if token else None

    assert await relay.database.read(read) == 3


async def test_models_are_those_of_the_token_else_of_the_group(relay: Stage) -> None:
    await relay.add_channel("http://x", "gpt-4o,my-own,gpt-4")
    await relay.add_channel("http://x", "secret", group="vip")
    await relay.add_channel("http://x", "gone", status=2)

    async def listed() -> list[str]:
        answer = await relay.ask(method="GET", path="/v1/models")
        assert answer.json["object"] == "list"
        return [entry["id"] for entry in answer.json["data"]]

    assert sorted(await listed()) == ["gpt-4", "gpt-4o", "my-own"]
    answer = await relay.ask(method="GET", path="/v1/models")
    own = answer.json["data"][-1]
    assert (own["id"], own["owned_by"], own["permission"]) == ("my-own", "custom", None)
    await change(relay, token={"models": "my-own,nobody"})
    assert sorted(await listed()) == ["my-own", "nobody"]


async def test_any_page_may_ask(relay: Stage) -> None:
    """Browser clients: preflights need no key."""
    answer = await relay.ask(
        method="OPTIONS", path=CHAT, headers={"access-control-request-headers": "x-a", "authorization": ""}
    )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "x-a"
    assert "POST" in answer.headers["access-control-allow-methods"]


async def test_a_journal_that_cannot_be_written_stops_new_requests(
    relay: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay.runtime.ledger, "_refusing", "the journal is full")
    async with provider(answering(completion())) as vendor:
        await relay.add_channel(vendor)
        answer = await relay.ask(ASKED)
    assert (answer.status, answer.error["code"]) == (503, "ledger_unavailable")


async def test_a_fault_of_ours_keeps_no_reservation(relay: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(flow, "price_charge", faulty)
    monkeypatch.setattr(plain, "plain_usage", faulty)
    for usage in ({"prompt_tokens": 1, "completion_tokens": 1}, None):
        async with provider(answering(completion(usage=usage))) as vendor:
            await relay.add_channel(vendor, priority=1 if usage is None else 0)
            answer = await relay.ask(ASKED)
        assert (answer.status, answer.error["code"]) == (500, "internal_error")
        assert "a fault" not in answer.error["message"]
