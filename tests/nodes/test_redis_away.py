"""Redis dies and comes back while two gateways serve: nothing fails, changes arrive by the database meanwhile."""

import signal
from pathlib import Path

import pytest

from oneapi_app.nodes.bus import LONGEST_PAUSE_S
from oneapi_app.nodes.memory import POLL_S
from oneapi_app.settings import Settings
from tests.nodes.pair import GatewayNode, gateway_node, soon
from tests.support.databases import SERVERS
from tests.support.servers import find_program, free_port, need, start_redis
from tests.support.vendor import openai_vendor

pytestmark = [
    pytest.mark.engines(*SERVERS, because="a SQLite file has one process"),
    pytest.mark.needs_redis,
]

BY_THE_DATABASE_S = 3 * POLL_S
"""A key's record may be twice as old as the poll's period, and the poll has to happen."""


def is_followed(one: GatewayNode, two: GatewayNode, key: str, token_id: int, within_s: float) -> None:
    """What ``one`` does to the token and the options, ``two`` obeys."""
    for status, expected in ((2, 401), (1, 200)):
        one.change("PUT", "/api/token/?status_only=true", id=token_id, status=status)
        soon(lambda: two.ask(key), expected, within_s)
    name = f"site of {token_id} within {within_s}"
    one.change("PUT", "/api/option/", key="SystemName", value=name)
    soon(lambda: two.status()["system_name"], name, within_s)


def test_redis_is_away_at_first_dies_and_returns(database_settings: Settings, tmp_path: Path):
    need(find_program("redis-server"), "Redis")
    port = free_port()
    redis_url = f"redis://127.0.0.1:{port}/0"
    with (
        openai_vendor() as vendor,
        gateway_node(tmp_path / "one", database_settings, REDIS_CONN_STRING=redis_url) as one,
        gateway_node(
            tmp_path / "two", database_settings, REDIS_CONN_STRING=redis_url, CRITICAL_RATE_LIMIT="2"
        ) as two,
    ):
        channel = {
            "type": 1,
            "name": "c",
            "key": "k",
            "models": "gpt-4o",
            "group": "default",
            "base_url": vendor,
        }
        one.change("POST", "/api/channel/", **channel)
        token = one.new_token("t")
        key, number = token["key"], token["id"]
        soon(lambda: two.ask(key), 200, BY_THE_DATABASE_S)
        assert two.status()["redis"] == "lost"
        is_followed(one, two, key, number, BY_THE_DATABASE_S)

        redis = start_redis(port=port)
        try:
            for node in (one, two):
                soon(lambda node=node: node.status()["redis"], "connected", LONGEST_PAUSE_S + 2)
            is_followed(one, two, key, number, 1)
            redis.kill()
            soon(lambda: two.status()["redis"], "lost", 8)
            is_followed(one, two, key, number, BY_THE_DATABASE_S)
            attempts = [
                two.root.post("/api/user/login", json={"username": "root", "password": "wrong"}).status_code
                for _ in range(3)
            ]
            assert attempts == [200, 200, 429], "limits go on in memory"
        finally:
            redis.stop()
        redis = start_redis(port=port)
        try:
            for node in (one, two):
                soon(lambda node=node: node.status()["redis"], "connected", LONGEST_PAUSE_S + 2)
            is_followed(one, two, key, number, 1)
            for node in (one, two):
                assert node.log().count("Redis is away") == 2, "said once each time"
        finally:
            redis.stop()
        for node in (one, two):
            assert "Traceback" not in node.log()
            node.process.send_signal(signal.SIGTERM)
            assert node.process.wait(40) == 0
