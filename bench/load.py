"""One run of wrk against one server: how many requests, how fast, and what they cost the server."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.processes import usage_of
from tests.support.servers import find_program

_SCRIPT = Path(__file__).parent / "chat.lua"
_GRACE_S = 30


class LoadFailed(Exception):
    """The server answered otherwise than it should, so that its speed says nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send chat requests. ``pid``: whose processor time counts; None where it is of no interest.

    ``settled`` returns once the server has no work left over from the requests it has answered.
    ``optional``: a failure leaves it out instead of ending everything.
    """

    name: str
    url: str
    model: str
    pid: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    settled: Callable[[], None] = lambda: None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """``cpu_us``: processor time of the server per request, user and system, in microseconds."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def ask_once(target: Target) -> None:
    """The first request, which takes some servers seconds. Raises LoadFailed."""
    fields = {"model": target.model, "messages": [{"role": "user", "content": "Say hello, please."}]}
    try:
        httpx.post(target.url, json=fields, headers=target.headers, timeout=60).raise_for_status()
    except httpx.HTTPError as error:
        raise LoadFailed(f"the first request to {target.name} failed ({type(error).__name__})") from None


def put_under_load(target: Target, connections: int, seconds: float) -> Run:
    """Raises LoadFailed where any request was not answered with status 200."""
    wrk = find_program("wrk")
    assert wrk, "asked for before"
    headers = [part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")]
    command = [
        wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "20s", *headers,
        "-s", str(_SCRIPT), target.url, "--", target.model,
    ]  # fmt: skip
    before = usage_of(target.pid).cpu_s if target.pid else 0.0
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _GRACE_S, check=False)
    if done.returncode != 0:
        raise LoadFailed(f"wrk failed against {target.name}: {done.stderr or done.stdout}")
    target.settled()
    spent_s = usage_of(target.pid).cpu_s - before if target.pid else 0.0
    result = json.loads(done.stdout.splitlines()[-1])
    requests = result["requests"]
    if not requests:
        raise LoadFailed(f"{target.name} answered nothing within {seconds:.0f} s")
    if result["refused"] or result["broken"]:
        raise LoadFailed(
            f"{target.name}: of {requests} requests {result['refused']} were refused and {result['broken']} broke off"
        )
    return Run(
        requests,
        requests / result["duration_s"],
        result["p50_ms"],
        result["p99_ms"],
        spent_s / requests * 1e6,
    )
