"""Two processes on one database and one Redis: a code mailed by one counts at the other, and each notice comes once."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oneapi_app.settings import Settings
from tests.nodes.pair import GatewayNode, soon, two_nodes
from tests.support.databases import SERVERS
from tests.support.mailbox import Mailbox, mail_server
from tests.support.vendor import openai_vendor

pytestmark = [
    pytest.mark.engines(*SERVERS, because="a SQLite file has one process"),
    pytest.mark.needs_redis,
]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def nodes(
    database_settings: Settings, redis_url: str, tmp_path: Path, mailbox: Mailbox
) -> Iterator[tuple[GatewayNode, GatewayNode]]:
    """Their mail goes to the mailbox."""
    with two_nodes(tmp_path, database_settings, redis_url) as (one, two):
        for node in (one, two):
            soon(lambda node=node: node.status()["redis"], "connected", 10)
        options = {
            "SMTPServer": "127.0.0.1",
            "SMTPPort": str(mailbox.port),
            "SMTPFrom": "post@example.com",
            "AutomaticDisableChannelEnabled": "true",
            "QuotaRemindThreshold": "99900",
        }
        for name, value in options.items():
            one.change("PUT", "/api/option/", key=name, value=value)
        yield one, two


def ask_both(nodes: tuple[GatewayNode, GatewayNode], key: str) -> list[int]:
    """Sixteen calls, through both at once; their statuses."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda number: nodes[number % 2].ask(key), range(16)))


def test_codes_and_notices(
    nodes: tuple[GatewayNode, GatewayNode], mailbox: Mailbox, dead_vendor: str
) -> None:
    one, two = nodes
    one.change("GET", "/api/verification?email=root@example.com")
    found = re.search(r">([0-9a-f]{6})<", mailbox.wait_for(1)[0].html)
    assert found
    two.change("GET", f"/api/oauth/email/bind?email=root@example.com&code={found.group(1)}")
    key = one.new_token("t")["key"]
    channel = {"type": 1, "models": "gpt-4o", "group": "default", "key": "k"}

    one.change("POST", "/api/channel/", **channel, name="gone", base_url=dead_vendor)
    soon(lambda: two.change("GET", "/api/channel/1")["status"], 1)
    assert 200 not in ask_both(nodes, key)
    with openai_vendor() as vendor:
        one.change("POST", "/api/channel/", **channel, name="good", base_url=vendor)
        one.change("PUT", "/api/user/", id=1, quota=100_000)
        soon(lambda: (one.ask(key), two.ask(key)), (200, 200))
        assert set(ask_both(nodes, key)) == {200}
        expected = {"渠道状态变更提醒", "额度提醒"}
        soon(lambda: {letter.message["Subject"] for letter in mailbox.received[1:]}, expected, 10)
        for node in nodes:  # what a node has to tell goes out in order, so nothing is under way behind these
            node.change("GET", "/api/channel/test")
        soon(lambda: len(mailbox.received), 5, 20)
    told = Counter(letter.message["Subject"] for letter in mailbox.received[1:])
    assert told == {"渠道状态变更提醒": 1, "额度提醒": 1, "渠道测试完成": 2}
