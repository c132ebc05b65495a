"""Plays a recorded area against a running server and says how the answers differ."""

import json
import re
import time
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import httpx

from tests.replay.compare import differences

RETRY_S = 2.0
"""What the relay writes may show a little later."""


@dataclass(frozen=True)
class Outcome:
    name: str
    problems: list[str]


class Player:
    """One area on one fresh server. ``vendor``: the fake vendor's address instead of the recorded one."""

    def __init__(self, base_url: str, vendor: str) -> None:
        self._base_url = base_url
        self._vendor = vendor
        self._jars: dict[str, httpx.Client] = {}
        self._captured: dict[str, str] = {}

    def play(self, steps: list[dict[str, Any]], differing: Set[str]) -> list[Outcome]:
        """``differing``: names of steps that are to differ, which waiting would not change."""
        return [Outcome(step["name"], self._step(step, step["name"] in differing)) for step in steps]

    def _client(self, jar: str) -> httpx.Client:
        if jar == "-":
            return httpx.Client(base_url=self._base_url, timeout=30)
        if jar not in self._jars:
            self._jars[jar] = httpx.Client(base_url=self._base_url, timeout=30)
        return self._jars[jar]

    def _step(self, step: dict[str, Any], differs: bool) -> list[str]:
        if step.get("wait_s"):
            time.sleep(min(float(step["wait_s"]), 3.0))
        end = time.monotonic() + (RETRY_S if step["request"]["method"] == "GET" and not differs else 0)
        while True:
            problems, answer = self._try(step)
            if not problems or time.monotonic() > end:
                break
            time.sleep(0.2)
        for name, path in step.get("capture", {}).items():
            self._captured[name] = str(_dig(answer, path))
        return problems

    def _try(self, step: dict[str, Any]) -> tuple[list[str], Any]:
        request = step["request"]
        headers = {name: self._fill(value) for name, value in request.get("headers", {}).items()}
        content: bytes | None = None
        if "json" in request and request["json"] is not None:
            content = self._fill(json.dumps(request["json"], ensure_ascii=False)).encode()
            headers.setdefault("Content-Type", "application/json")
        elif request.get("body") is not None:
            content = self._fill(request["body"]).encode()
        response = self._client(step["as"]).request(
            request["method"], self._fill(request["path"]), headers=headers, content=content
        )
        return self._compare(step, response)

    def _compare(self, step: dict[str, Any], response: httpx.Response) -> tuple[list[str], Any]:
        expected = step["response"]
        problems: list[str] = []
        if response.status_code != expected["status"]:
            problems.append(
                f"status: expected {expected['status']}, got {response.status_code}: {response.text[:200]}"
            )
        for name, value in (expected.get("headers") or {}).items():
            found = response.headers.get(name, "")
            if value not in found:
                problems.append(f"header {name}: expected {value!r}, got {found!r}")
        answer: Any = None
        if "json" in expected:
            try:
                answer = response.json()
            except ValueError:
                return [*problems, f"not JSON: {response.text[:200]!r}"], None
            recorded = json.loads(json.dumps(expected["json"]).replace("http://127.0.0.1:9101", self._vendor))
            problems += differences(recorded, answer, unordered=_unordered(step))
        elif expected.get("text") is not None:
            theirs, ours = _events(expected["text"]), _events(response.text)
            if theirs != ours:
                problems.append(f"stream: expected {theirs}, got {ours}")
        return problems, answer

    def _fill(self, text: str) -> str:
        text = re.sub(
            r"\{\{(\w+)\}\}", lambda found: self._captured.get(found.group(1), found.group(0)), text
        )
        return text.replace("http://127.0.0.1:9101", self._vendor)


def _unordered(step: dict[str, Any]) -> frozenset[str]:
    named = step.get("unordered") or []
    return frozenset([named] if isinstance(named, str) else named)


def _events(text: str) -> list[str]:
    return [block.strip() for block in text.split("\n\n") if block.strip()]


def _dig(answer: Any, path: str) -> Any:
    for name in path.split("."):
        answer = answer[int(name)] if isinstance(answer, list) else (answer or {}).get(name)
    return answer
