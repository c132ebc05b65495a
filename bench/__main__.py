"""``make bench``: everything measured, told on the way, and written to docs/benchmarks.md. Loopback only.

    python -m bench [--peers] [--rounds N] [--seconds S] [--pairs N] [--streams N] [--events N] [--log-rows N] [--page FILE]

Ends by itself, also when something hangs, and ends what it started.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FrameType

from bench import log_store, report
from bench.compare import compare, compare_cost
from bench.load import LoadFailed, Target
from bench.peers import PEERS, PeerMissing
from bench.processes import usage_of
from bench.servers import STREAM_MODEL, TLS_MODEL, Gateway, running_floor, running_gateway, running_node
from bench.streams import hold_streams
from bench.upstream import CONVERTED_MODEL, MODEL, Upstream, running_upstream
from tests.support.servers import find_program

_NEEDED = {"wrk": "wrk", "nginx": "nginx-light"}
_LONGEST_S = 1800
"""Whatever happens, it is over by then; with its defaults it takes six minutes."""
_ON_DISK = "/var/tmp"
"""For the database: the usual temporary directory may be memory."""


def main() -> int:
    options = _read_options()
    missing = [program for program in _NEEDED if find_program(program) is None]
    if missing:
        packages = " ".join(_NEEDED[program] for program in missing)
        print(f"needs {' and '.join(missing)}; on Debian and Ubuntu: apt-get install {packages}")
        return 2
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _stop)
    signal.alarm(_LONGEST_S)
    try:
        measured = measure(options)
    except LoadFailed as error:
        print(f"no result: {error}")
        return 1
    if options.log_rows:
        say(f"log store with {options.log_rows:,} rows (--log-rows)")
        measured.stores = log_store.measure_engines(options.log_rows)
    page = report.render_page(measured)
    options.page.write_text(page, encoding="utf-8")
    print(f"\n{page}")
    return 0


def measure(options: argparse.Namespace) -> report.Measured:
    """Raises LoadFailed where a server answered otherwise than it should."""
    load_before = os.getloadavg()[0]
    if report.is_busy(load_before):
        say(f"the machine is busy (load average {load_before:.1f}): only ratios will mean something")
    with contextlib.ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory(dir=_ON_DISK)))
        say("starting the vendor, the floor and ours")
        upstream = running.enter_context(running_upstream(options.events))
        gateway = running.enter_context(running_gateway(directory, upstream))
        missing: dict[str, str] = {}
        node = list(_start_node(running, directory / "node", upstream, missing))
        peers = list(_start_peers(running, upstream, missing)) if options.peers else []
        with _floors(upstream) as floors:
            own = _own_targets(gateway)
            targets = [
                Target(report.VENDOR, f"{upstream.plain}/v1/chat/completions", MODEL),
                *floors,
                *own,
                *node,
                *peers,
            ]
            memory_mb = [gateway.start_mb]
            comparison = compare(
                targets,
                options.rounds,
                options.seconds,
                say,
                lambda: memory_mb.append(usage_of(gateway.pid).resident_mb),
            )
            say(f"the floor and ours in turns, a second each, {options.pairs} times")
            cost = compare_cost(own[0], floors[0], options.pairs, min(1, options.seconds), say)
        missing |= comparison.dropped
        requests = comparison.requests([target.name for target in own])
        gateway.check_books(requests)
        say(f"the books agree: {requests:,} calls measured, each with its log row and its charge")
        say(f"{options.streams} streams straight from the vendor, then through ours")
        hold = partial(hold_streams, count=options.streams, events=options.events)
        direct = hold(f"{upstream.streams}/v1/chat/completions", STREAM_MODEL, {})
        streams = hold(gateway.chat_url, STREAM_MODEL, gateway.headers, pid=gateway.pid)
        return report.Measured(
            gateway, comparison, cost, direct, streams, memory_mb, requests, load_before, missing=missing
        )


@contextlib.contextmanager
def _floors(upstream: Upstream) -> Iterator[list[Target]]:
    with contextlib.ExitStack() as running:
        floors: list[Target] = []
        for name, vendor in ((report.FLOOR, upstream.plain), (report.FLOOR_TLS, upstream.tls)):
            url, pid = running.enter_context(running_floor(vendor, upstream.authority))
            floors.append(Target(name, url, MODEL, pid))
        yield floors


def _own_targets(gateway: Gateway) -> list[Target]:
    models = ((report.OURS, MODEL), (report.OURS_TLS, TLS_MODEL), (report.CONVERTED, CONVERTED_MODEL))
    return [
        Target(name, gateway.chat_url, model, gateway.pid, gateway.headers, gateway.settled)
        for name, model in models
    ]


def _start_node(
    running: contextlib.ExitStack, directory: Path, upstream: Upstream, missing: dict[str, str]
) -> Iterator[Target]:
    if not (find_program("initdb") and find_program("redis-server")):
        missing[report.NODE] = "needs PostgreSQL and Redis"
        return
    say("starting ours once more, with PostgreSQL and Redis")
    node = running.enter_context(running_node(directory, upstream))
    yield Target(report.NODE, node.chat_url, MODEL, node.pid, node.headers, node.settled)


def _start_peers(
    running: contextlib.ExitStack, upstream: Upstream, missing: dict[str, str]
) -> Iterator[Target]:
    directory = Path(tempfile.gettempdir()) / "oneapi-bench-peers"
    for name, start in PEERS:
        say(f"installing and starting {name}, in {directory}")
        try:
            yield running.enter_context(start(directory, upstream))
        except PeerMissing as error:
            missing[name] = str(error)
            say(f"{name} is left out: {error}")


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measures the relay and the log store."
    )
    parser.add_argument("--peers", action="store_true", help="install and measure LiteLLM and Portkey, too")
    parser.add_argument("--rounds", type=int, default=3, help="how often the servers take turns (3)")
    parser.add_argument("--seconds", type=float, default=5, help="of load per server and round (5)")
    parser.add_argument(
        "--pairs", type=int, default=30, help="how often the floor and ours take turns, a second each (30)"
    )
    parser.add_argument("--streams", type=int, default=500, help="event streams held at once (500)")
    parser.add_argument("--events", type=int, default=20, help="of each stream, half a second apart (20)")
    parser.add_argument(
        "--log-rows", type=int, default=200_000, help="rows of the log store's benchmark; 0: none"
    )
    parser.add_argument("--page", type=Path, default=report.PAGE, help="where the results are written")
    return parser.parse_args()


def _stop(number: int, _frame: FrameType | None) -> None:
    reason = "took too long" if number == signal.SIGALRM else "stopped"
    raise SystemExit(f"the benchmark {reason}")


_STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - _STARTED:5.0f} s] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
