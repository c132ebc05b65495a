"""What a process costs while it is under load, read from Linux' ``/proc``."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a process and its children: processor seconds so far (user + system) and resident megabytes."""

    cpu_s: float
    resident_mb: float


def usage_of(pid: int) -> Usage:
    """The process and everything it started that still runs."""
    pids = [pid, *_descendants(pid)]
    return Usage(sum(_cpu_s(one) for one in pids), sum(_resident_mb(one) for one in pids))


def _descendants(pid: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in task.read_text().split()
    ]
    return children + [deeper for child in children for deeper in _descendants(child)]


def _cpu_s(pid: int) -> float:
    # The name, second field, is in brackets and may hold anything; user and system time follow as fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
