"""Two real gateway processes on one database and one Redis, and what a test asks of them."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from oneapi_app.settings import Settings
from tests.support.gateway import gateway_process

ACCESS = "root-access-token-of-this-test"
PASSWORD = "Correct-horse-1"
IN_STEP_S = 1.0
"""How soon what was changed on one node counts on the other."""


def soon(found: Callable[[], Any], expected: Any, within_s: float = IN_STEP_S) -> None:
    """Asks again and again; fails where it is not as expected in time."""
    end = time.monotonic() + within_s
    while (last := found()) != expected:
        assert time.monotonic() < end, f"{last!r}, not {expected!r}, after {within_s} s"
        time.sleep(0.02)


@dataclass
class GatewayNode:
    """One process. ``root``: its management API as root."""

    url: str
    process: Any
    directory: Path
    root: httpx.Client

    def ask(self, key: str, model: str = "gpt-4o") -> int:
        """The status of a relayed call."""
        return self.root.post(
            "/v1/chat/completions",
            headers={"authorization": f"Bearer sk-{key}"},
            json={"model": model, "messages": [{"role": "user", "content": "Hi"}]},
        ).status_code

    def change(self, method: str, path: str, **body: Any) -> Any:
        """``data`` of the answer, which must be a success."""
        answer = self.root.request(method, path, json=body or None).json()
        assert answer["success"], answer
        return answer.get("data")

    def new_token(self, name: str, **fields: Any) -> dict[str, Any]:
        self.change(
            "POST",
            "/api/token/",
            **{"name": name, "expired_time": -1, "unlimited_quota": True, "remain_quota": 0, **fields},
        )
        return next(token for token in self.change("GET", "/api/token/") if token["name"] == name)

    def status(self) -> dict[str, Any]:
        return self.root.get("/api/status").json()["data"]

    def log(self) -> str:
        return (self.directory / "server.log").read_text()


@contextlib.contextmanager
def gateway_node(directory: Path, settings: Settings, **environment: str) -> Iterator[GatewayNode]:
    directory.mkdir()
    environment = {
        "INITIAL_ROOT_PASSWORD": PASSWORD,
        "INITIAL_ROOT_ACCESS_TOKEN": ACCESS,
        **environment,
    }
    with (
        gateway_process(directory, settings, **environment) as (url, process),
        httpx.Client(base_url=url, headers={"authorization": ACCESS}, timeout=30) as root,
    ):
        yield GatewayNode(url, process, directory, root)


@contextlib.contextmanager
def two_nodes(
    directory: Path, settings: Settings, redis_url: str, **environment: str
) -> Iterator[tuple[GatewayNode, GatewayNode]]:
    """The second is a slave."""
    environment["REDIS_CONN_STRING"] = redis_url
    with (
        gateway_node(directory / "one", settings, **environment) as one,
        gateway_node(directory / "two", settings, NODE_TYPE="slave", **environment) as two,
    ):
        yield one, two
