"""The command line's ``migrate``, as a process."""

import os
import subprocess
import sys
from pathlib import Path

from oneapi_app.kit.dsn import read_dsn
from oneapi_app.settings import Settings
from tests.support.databases import variables_of

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


def test_twice(blank_settings: Settings, tmp_path: Path) -> None:
    where = variables_of(blank_settings)
    first = run("migrate", **where)
    assert first.returncode == 0, first.stderr
    assert "root created" in first.stdout
    assert "database: adding table users" in first.stderr
    second = run("migrate", **where, NODE_TYPE="slave")
    assert (second.returncode, second.stderr) == (0, "")
    address = read_dsn(blank_settings.sql_dsn, sqlite_path=blank_settings.sqlite_path)
    assert second.stdout == f"{address.place}: up to date\n"
    assert run("doctor", **where, DATA_DIR=str(tmp_path), LOG_DIR=str(tmp_path)).returncode == 0


def test_a_wrong_dsn_is_one_line() -> None:
    done = run("migrate", SQL_DSN="postgres://u:s3cret@127.0.0.1:1/d")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "SQL_DSN" in done.stderr and "s3cret" not in done.stderr
    assert run("doctor", SQL_DSN="nonsense").returncode == 1
