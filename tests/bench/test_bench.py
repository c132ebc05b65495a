"""The benchmark works: a short run of all of it. What it measures here says nothing about speed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import CONVERTED, FLOOR, FLOOR_TLS, NODE, OURS, OURS_TLS, VENDOR
from tests.support.servers import find_program, need

PROJECT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_short_run_writes_the_page(tmp_path: Path) -> None:
    need(find_program("wrk") and find_program("nginx"), "wrk and nginx")
    need(find_program("initdb") and find_program("redis-server"), "PostgreSQL and Redis")
    page = tmp_path / "page.md"
    done = run(
        "--rounds=1",
        "--seconds=1",
        "--pairs=2",
        "--streams=3",
        "--events=2",
        "--log-rows=300",
        f"--page={page}",
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "the books agree" in done.stdout
    text = page.read_text("utf-8")
    requests = text[text.index("## Requests") : text.index("## Event streams")]
    rows = {line.split("|")[1].strip(): line for line in requests.splitlines() if line.startswith("|")}
    for name in (VENDOR, FLOOR, FLOOR_TLS, OURS, OURS_TLS, CONVERTED, NODE):
        assert rows[name].count("|") == 11
    assert "1.00 x" in rows[FLOOR]
    assert "CPU per request, to the bare floor's: 2 pairs, the middle half" in text
    assert "| list: first page |" in text
    assert str(tmp_path) not in text
    assert "/var/tmp" not in text


def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    import bench.__main__ as command

    monkeypatch.setattr(command, "find_program", lambda name: None if name == "wrk" else name)
    monkeypatch.setattr(sys, "argv", ["bench", f"--page={tmp_path / 'page.md'}"])
    assert command.main() == 2
    assert "needs wrk; on Debian and Ubuntu: apt-get install wrk" in capsys.readouterr().out
