"""Runs of several servers in turn, again and again, and their medians: neighbours on the machine disturb all alike.

Ratios are taken within a round, between runs that lie seconds apart, and only then their median.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.load import LoadFailed, Run, Target, ask_once, put_under_load

MANY = 32
_WARM_UP_S = 1


@dataclass(slots=True)
class Comparison:
    """Per server, its runs in the order of the rounds: with one connection and with ``MANY``.

    ``dropped``: optional servers that failed under load, and how.
    """

    single: dict[str, list[Run]] = field(default_factory=dict[str, list[Run]])
    many: dict[str, list[Run]] = field(default_factory=dict[str, list[Run]])
    dropped: dict[str, str] = field(default_factory=dict[str, str])

    def requests(self, names: Sequence[str]) -> int:
        return sum(run.requests for name in names for run in (*self.single[name], *self.many[name]))


def compare(
    targets: Sequence[Target],
    rounds: int,
    seconds: float,
    progress: Callable[[str], None],
    after_round: Callable[[], None],
) -> Comparison:
    """Raises LoadFailed, unless the server was optional: that one is dropped."""
    found = Comparison()

    def measure(target: Target, connections: int, seconds: float, *, first: bool = False) -> Run | None:
        if target.name in found.dropped:
            return None
        try:
            if first:
                ask_once(target)
            return put_under_load(target, connections, seconds)
        except LoadFailed as error:
            if not target.optional:
                raise
            found.dropped[target.name] = str(error)
            found.many.pop(target.name, None)
            found.single.pop(target.name, None)
            return None

    for target in targets:
        measure(target, MANY, _WARM_UP_S, first=True)
    for number in range(1, rounds + 1):
        for connections, runs in ((MANY, found.many), (1, found.single)):
            for target in targets:
                run = measure(target, connections, seconds if connections == MANY else seconds / 2)
                if run is None:
                    continue
                runs.setdefault(target.name, []).append(run)
                cost = f", {run.cpu_us:.0f} µs of CPU each" if target.pid else ""
                progress(
                    f"round {number} of {rounds}, {connections:2} connections, {target.name}: "
                    f"{run.per_second:,.0f}/s, p50 {run.p50_ms:.2f} ms, p99 {run.p99_ms:.2f} ms{cost}"
                )
        after_round()
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """What one server's requests cost, to what another's do: the median of all pairs of runs, and the middle half of them."""

    pairs: int
    median: float
    low: float
    high: float


def compare_cost(
    target: Target, other: Target, pairs: int, seconds: float, progress: Callable[[str], None]
) -> Cost:
    """Short runs of both in turns, ``pairs`` times (at least 2): a processor that is fast now and slow in ten seconds is the
    same for both. Raises LoadFailed.
    """
    ratios: list[float] = []
    for number in range(pairs):
        order = (target, other) if number % 2 else (other, target)
        cpu_us = {one.name: put_under_load(one, MANY, seconds).cpu_us for one in order}
        ratios.append(cpu_us[target.name] / cpu_us[other.name])
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    progress(
        f"{target.name}, CPU of a request to {other.name}'s, {pairs} pairs: {median:.2f} x ({low:.2f}-{high:.2f})"
    )
    return Cost(pairs, median, low, high)


def median_of(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    return statistics.median(figure(run) for run in runs)


def median_ratio(runs: Sequence[Run], others: Sequence[Run], figure: Callable[[Run], float]) -> float:
    """Of ``runs`` to ``others``, round by round; NaN where the other figure is nothing."""
    ratios = [figure(run) / figure(other) for run, other in zip(runs, others, strict=True) if figure(other)]
    return statistics.median(ratios) if ratios else float("nan")


def median_difference(runs: Sequence[Run], others: Sequence[Run], figure: Callable[[Run], float]) -> float:
    return statistics.median(figure(run) - figure(other) for run, other in zip(runs, others, strict=True))
