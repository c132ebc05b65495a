"""What was measured as a page: docs/benchmarks.md. Names no paths and no host of the machine it ran on."""

import math
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.compare import MANY, Comparison, Cost, median_difference, median_of, median_ratio
from bench.load import Run
from bench.log_store import GOAL_MS, Answers
from bench.servers import Gateway
from bench.streams import Streams

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
VENDOR, FLOOR, OURS = "the vendor itself (nginx)", "bare floor", "**One API in Python**"
FLOOR_TLS, OURS_TLS = "bare floor, vendor over TLS", "One API in Python, vendor over TLS"
CONVERTED = "One API in Python, converted to Anthropic's format"
NODE = "One API in Python, a node with PostgreSQL and Redis"

_HEAD = """\
# Benchmarks

Written by `make bench`, which needs wrk and nginx (`apt-get install wrk nginx-light`) and takes about six minutes;
`make bench ARGS=--peers` installs and measures other gateways, too. Everything runs on one machine and shares its
processors: the load, the vendor and the gateway. So absolute figures are low and swing with whatever else runs; **ratios**
and the processor time per request are what to compare. Servers take turns, and each figure is the median of the rounds.

The vendor is an nginx with one fixed answer. **One API in Python** is the server as `make run` starts it, one process,
with everything on: token check, routing, reservation, settlement through the journal, log rows and counters in SQLite on
disk. Afterwards the calls answered, the rows logged and the units charged are compared: they have to agree. The
**bare floor** is the same HTTP server and the same transport, and forwards: what any gateway built this way costs at least.
"""

_BEHIND = """
The goal for the processor time is measured apart, with the floor and ours by turns, a second each: processors here are fast
in one half minute and slow in the next, so that a ratio of longer runs says little.
CPU is the server's own, user and system, with all its threads and processes, until the last bill is in the database; what
PostgreSQL and Redis need beside a node is not in it.
Where the time goes, and what was tried: [ADR 11](adr/0011-performance.md).

One API v0.6.11 (Go), measured once on a machine of this kind (2 cores, 32 connections), not by this program: 130-160
requests/s with its defaults on SQLite (p99 1.5 s), 1,090-1,180 with PostgreSQL, Redis, memory cache and batched updates (p99 60 ms).
"""


@dataclass(slots=True)
class Measured:
    """Everything one run of the benchmark found out. ``missing``: servers left out, and why."""

    gateway: Gateway
    comparison: Comparison
    cost: Cost
    direct: Streams
    streams: Streams
    memory_mb: list[float]
    """After the start and after each round. In the first one the tokenizer is loaded, for calls that broke off."""
    requests: int
    load_before: float
    """The machine's load average when it all began."""
    stores: list[Answers] = field(default_factory=list[Answers])
    missing: dict[str, str] = field(default_factory=dict[str, str])


def render_page(measured: Measured) -> str:
    rows = "\n".join(_goals(measured))
    page = f"{_HEAD}\n## Goals\n\n| | goal | measured | |\n|---|---|--:|---|\n{rows}\n"
    page += "\n## Requests\n\n" + "\n".join(_requests(measured)) + "\n" + _BEHIND
    page += "\n## Event streams\n\n" + "\n".join(_streams(measured)) + "\n"
    if measured.stores:
        page += "\n## Log lists and statistics\n\n" + "\n".join(_stores(measured.stores)) + "\n"
    return page + f"\n## The machine\n\n{describe_machine()} {_describe_load(measured.load_before)}\n"


def _per_second(run: Run) -> float:
    return run.per_second


def _cpu(run: Run) -> float:
    return run.cpu_us


def _p50(run: Run) -> float:
    return run.p50_ms


def _p99(run: Run) -> float:
    return run.p99_ms


def _goals(measured: Measured) -> list[str]:
    found, streams, gateway = measured.comparison, measured.streams, measured.gateway
    many, single = found.many, found.single
    speed = median_of(many[OURS], _per_second)
    cost = measured.cost
    delay = median_difference(single[OURS], single[VENDOR], _p50)
    tls = median_ratio(many[OURS_TLS], many[OURS], _per_second)
    held = streams.memory_mb[2] - streams.memory_mb[1]
    start, first, *_, last = (*measured.memory_mb, measured.memory_mb[-1])
    console = "with" if gateway.with_console else "without"
    return [
        _goal(f"requests/s, {MANY} connections", "≥ 5,000", f"{speed:,.0f}", speed >= 5000),
        _goal(
            f"CPU per request, to the bare floor's: {cost.pairs} pairs, the middle half {cost.low:.2f}-{cost.high:.2f} x",
            "≤ 2.0 x",
            f"{cost.median:.2f} x",
            cost.median <= 2,
        ),
        _goal("median at one connection, above the vendor's", "< 0.6 ms", f"{delay:.2f} ms", delay < 0.6),
        _goal("vendor over TLS, requests/s to plain", "≥ 0.5 x", f"{tls:.2f} x", tls >= 0.5),
        _goal(
            f"{streams.count} streams: the first event late, median",
            "< 3 ms",
            f"{streams.first_ms[0]:.1f} ms",
            streams.first_ms[0] < 3,
        ),
        _goal(f"{streams.count} streams: memory while they are held", "flat", f"{held:+.1f} MB", held < 5),
        _goal(
            f"memory after the first round and after {measured.requests:,} requests",
            "flat",
            f"{first:.0f} → {last:.0f} MB",
            last < first + 20,
        ),
        _goal("from the start to the first answer", "< 3 s", f"{gateway.start_s:.1f} s", gateway.start_s < 3),
        _goal(f"memory after the start, {console} console", "< 150 MB", f"{start:.0f} MB", start < 150),
        *(
            _goal(
                f"log lists and statistics, {store.rows:,} rows, {store.engine}: the slowest",
                f"≤ {GOAL_MS} ms",
                f"{max(store.took_ms.values()):.0f} ms",
                not store.slow,
            )
            for store in measured.stores
        ),
    ]


def _goal(what: str, goal: str, found: str, reached: bool) -> str:
    return f"| {what} | {goal} | {found} | {'reached' if reached else '**missed**'} |"


def _requests(measured: Measured) -> list[str]:
    many, single = measured.comparison.many, measured.comparison.single
    lines = [
        f"| | requests/s, {MANY} connections | of the floor's | p50 | p99 | CPU per request | to the floor's "
        "| requests/s, 1 connection | p50 | p99 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, runs in many.items():
        alone = single[name]
        figures = [
            f"{median_of(runs, _per_second):,.0f}",
            _times(runs, many[FLOOR], _per_second),
            f"{median_of(runs, _p50):.2f} ms",
            f"{median_of(runs, _p99):.2f} ms",
            f"{median_of(runs, _cpu):.0f} µs" if name != VENDOR else "",
            _times(runs, many[FLOOR], _cpu) if name != VENDOR else "",
            f"{median_of(alone, _per_second):,.0f}",
            f"{median_of(alone, _p50):.2f} ms",
            f"{median_of(alone, _p99):.2f} ms",
        ]
        lines.append(f"| {name} | {' | '.join(figures)} |")
    lines += [f"| {name} | not measured: {why} {'| ' * 8}|" for name, why in measured.missing.items()]
    return lines


def _times(runs: Sequence[Run], others: Sequence[Run], figure: Callable[[Run], float]) -> str:
    ratio = median_ratio(runs, others, figure)
    return "" if math.isnan(ratio) else f"{ratio:.2f} x"


def _streams(measured: Measured) -> list[str]:
    lines = [
        f"{measured.streams.count} streams held at once, opened 10 ms apart, two events a second on each; how long after the "
        "vendor sent them events arrived.",
        "",
        "| | first event, median | p99 | all events, median | p99 | memory: before, all open, still all open, afterwards |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for name, streams in (("straight from the vendor", measured.direct), (OURS, measured.streams)):
        memory = ", ".join(f"{megabytes:.0f}" for megabytes in streams.memory_mb)
        figures = " | ".join(f"{late:.1f} ms" for late in (*streams.first_ms, *streams.any_ms))
        lines.append(f"| {name} | {figures} | {memory + ' MB' if memory else ''} |")
    return lines


def _stores(stores: list[Answers]) -> list[str]:
    lines = [
        f"Milliseconds, the median of five, with {stores[0].rows:,} rows of ninety days.",
        "",
        f"| | {' | '.join(store.engine for store in stores)} |",
        f"|---|{'--:|' * len(stores)}",
    ]
    lines += [
        f"| {question} | {' | '.join(f'{store.took_ms[question]:.1f}' for store in stores)} |"
        for question in stores[0].took_ms
    ]
    return lines


def describe_machine() -> str:
    """Processor, cores, memory, kernel and Python: what figures depend on, and nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} x {_processor()}, {memory:.0f} GB, Linux {'.'.join(platform.release().split('.')[:2])}, "
        f"Python {platform.python_version()}."
    )


def _describe_load(load: float) -> str:
    busy = ": other work ran beside this, so only ratios mean something" if is_busy(load) else ""
    return f"Its load average was {load:.1f} when the benchmark began{busy}."


def is_busy(load: float) -> bool:
    """Whether others leave less than half of the processors to the benchmark."""
    return load > (os.cpu_count() or 1) / 2


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
