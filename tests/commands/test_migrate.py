"""The command line's ``migrate``, as a process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SQL_DSN", "LOG_SQL_DSN", "SQLITE_PATH")
    }
    return subprocess.run(
        [sys.executable, "-m", "oneapi_app", *arguments],
        env=kept | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_twice(tmp_path: Path) -> None:
    path = str(tmp_path / "one-api.db")
    first = run("migrate", SQLITE_PATH=path)
    assert first.returncode == 0, first.stderr
    assert "root created" in first.stdout
    assert "database: adding table users" in first.stderr
    second = run("migrate", SQLITE_PATH=path, NODE_TYPE="slave")
    assert (second.returncode, second.stdout) == (0, f"SQLite file {path}: up to date\n")
    assert run("doctor", SQLITE_PATH=path, DATA_DIR=str(tmp_path), LOG_DIR=str(tmp_path)).returncode == 0


def test_a_wrong_dsn_is_one_line() -> None:
    done = run("migrate", SQL_DSN="postgres://u:s3cret@127.0.0.1:1/d")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "SQL_DSN" in done.stderr and "s3cret" not in done.stderr
    assert run("doctor", SQL_DSN="nonsense").returncode == 1
