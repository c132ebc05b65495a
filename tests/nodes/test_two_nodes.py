"""What is changed on one node counts on the other within a second: two processes, one database, Redis."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.nodes.pair import PASSWORD, GatewayNode, soon, two_nodes
from tests.support.databases import SERVERS, Databases
from tests.support.servers import Server, emptied_redis
from tests.support.vendor import COMPLETION_TOKENS, PROMPT_TOKENS, openai_vendor

pytestmark = [
    pytest.mark.engines(*SERVERS, because="a SQLite file has one process"),
    pytest.mark.needs_redis,
]

Pair = tuple[GatewayNode, GatewayNode]
CRITICAL = 6


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    with openai_vendor() as url:
        yield url


@pytest.fixture(scope="module")
def nodes(
    databases: Databases,
    redis_server: Server,
    vendor: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("nodes")
    with (
        databases.fresh() as settings,
        two_nodes(directory, settings, emptied_redis(redis_server), CRITICAL_RATE_LIMIT=str(CRITICAL)) as (
            one,
            two,
        ),
    ):
        for node in (one, two):
            soon(lambda node=node: node.status()["redis"], "connected", 10)
        one.change("POST", "/api/channel/", **channel(vendor))
        yield one, two


def channel(vendor: str, **changes: str) -> dict[str, object]:
    fields = {"name": "one", "key": "k", "models": "gpt-4o", "group": "default", "base_url": vendor}
    return {"type": 1, **fields, **changes}


def new_user(node: GatewayNode, name: str) -> int:
    node.change("POST", "/api/user/", username=name, password=PASSWORD, display_name=name)
    return next(user["id"] for user in node.change("GET", "/api/user/") if user["username"] == name)


def sign_in(node: GatewayNode, name: str, address: str, password: str = PASSWORD) -> httpx.Response:
    return httpx.post(
        f"{node.url}/api/user/login",
        json={"username": name, "password": password},
        headers={"x-forwarded-for": address},
    )


def knows(node: GatewayNode, cookie: str) -> bool:
    return httpx.get(f"{node.url}/api/user/self", cookies={"session": cookie}).json()["success"]


def test_tokens(nodes: Pair):
    one, two = nodes
    token = one.new_token("in step")
    key = token["key"]
    soon(lambda: two.ask(key), 200)
    one.change("PUT", "/api/token/?status_only=true", id=token["id"], status=2)
    soon(lambda: two.ask(key), 401)
    one.change("PUT", "/api/token/?status_only=true", id=token["id"], status=1)
    soon(lambda: two.ask(key), 200)
    one.change("PUT", "/api/token/", **token | {"models": "gpt-4o-mini"})
    soon(lambda: two.ask(key), 403)
    two.change("DELETE", f"/api/token/{token['id']}")
    assert two.ask(key) == 401
    soon(lambda: one.ask(key), 401)


def test_a_balance_raised_elsewhere(nodes: Pair):
    one, two = nodes
    token = one.new_token("poor", unlimited_quota=False, remain_quota=1)
    assert two.ask(token["key"]) == 403
    one.change("PUT", "/api/token/", **token | {"remain_quota": 1_000_000})
    soon(lambda: two.ask(token["key"]), 200)


def test_a_banned_user(nodes: Pair):
    one, two = nodes
    user_id = new_user(one, "banned")
    cookie = sign_in(one, "banned", "203.0.113.1").cookies["session"]
    asked = {"name": "t", "expired_time": -1, "unlimited_quota": True}
    httpx.post(f"{one.url}/api/token/", json=asked, cookies={"session": cookie})
    key = httpx.get(f"{two.url}/api/token/", cookies={"session": cookie}).json()["data"][0]["key"]
    one.change("PUT", "/api/user/", id=user_id, username="banned", quota=1_000_000)
    soon(lambda: two.ask(key), 200)
    one.change("POST", "/api/user/manage", username="banned", action="disable")
    soon(lambda: two.ask(key), 403)
    assert not knows(two, cookie)
    one.change("POST", "/api/user/manage", username="banned", action="enable")
    soon(lambda: two.ask(key), 200)


def test_channels(nodes: Pair, vendor: str):
    one, two = nodes
    key = one.new_token("routes")["key"]
    assert two.ask(key, "gpt-5") == 503
    one.change("POST", "/api/channel/", **channel(vendor, name="later", models="gpt-5"))
    soon(lambda: two.ask(key, "gpt-5"), 200)
    made = next(found for found in one.change("GET", "/api/channel/") if found["name"] == "later")
    one.change("PUT", "/api/channel/", id=made["id"], status=2)
    soon(lambda: two.ask(key, "gpt-5"), 503)


def test_options_and_prices(nodes: Pair):
    one, two = nodes
    key = one.new_token("priced")["key"]
    one.change("PUT", "/api/option/", key="SystemName", value="Two of us")
    soon(lambda: two.status()["system_name"], "Two of us")

    def last_bill() -> int:
        assert two.ask(key) == 200
        rows = two.change("GET", "/api/log/?token_name=priced&type=2")
        return rows[0]["quota"] if rows else 0

    prices = {"ModelRatio": 1000, "CompletionRatio": 1}
    for name, ratio in prices.items():
        one.change("PUT", "/api/option/", key=name, value=json.dumps({"gpt-4o": ratio}))
    soon(last_bill, (PROMPT_TOKENS + COMPLETION_TOKENS) * 1000)


def test_sessions(nodes: Pair):
    one, two = nodes
    new_user(one, "traveller")
    first, second = (sign_in(node, "traveller", "203.0.113.2").cookies["session"] for node in nodes)
    assert all(knows(node, cookie) for node in nodes for cookie in (first, second))
    httpx.get(f"{two.url}/api/user/logout", cookies={"session": first})
    assert not knows(one, first)
    third = sign_in(two, "traveller", "203.0.113.2").cookies["session"]
    changed = httpx.put(
        f"{one.url}/api/user/self", json={"password": "Other-horse-2"}, cookies={"session": third}
    )
    assert changed.json()["success"]
    assert [knows(node, cookie) for cookie in (second, third) for node in nodes] == [False, False, True, True]
    assert not sign_in(two, "traveller", "203.0.113.3").json()["success"]


def test_attempts_are_counted_together(nodes: Pair):
    one, two = nodes
    statuses = [
        sign_in(node, "nobody", "203.0.113.9", "wrong").status_code
        for _ in range(CRITICAL)
        for node in (one, two)
    ]
    assert statuses == [200] * CRITICAL + [429] * CRITICAL
    refused = sign_in(one, "nobody", "203.0.113.9", "wrong")
    assert refused.content == b""
    assert 1000 < int(refused.headers["retry-after"]) <= 1200
