"""A second gateway on one SQLite file: it would spend the same balances again, so it does not start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from oneapi_app.settings import Settings
from tests.support.gateway import PROJECT, free_port, gateway_process


@pytest.mark.engines("sqlite", because="a server's database is shared")
def test_the_second_process_says_why_and_ends(database_settings: Settings, tmp_path: Path):
    directory = tmp_path / "one"
    directory.mkdir()
    with gateway_process(directory, database_settings) as (_, process):
        environment = {
            **os.environ,
            "PORT": str(free_port()),
            "HOST": "127.0.0.1",
            "SQLITE_PATH": database_settings.sqlite_path,
            "DATA_DIR": str(tmp_path / "another"),
            "CONSOLE_ENABLED": "false",
            "PYTHONPATH": str(PROJECT),
        }
        command = [sys.executable, "-m", "oneapi_app", "run"]
        second = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert second.returncode != 0
        said = second.stdout + second.stderr
        assert "SQLITE_PATH: another process is serving from" in said
        assert "Traceback" not in said
        assert "One API is at" not in said
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with gateway_process(directory, database_settings) as (_, again):
        again.send_signal(signal.SIGTERM)
        assert again.wait(40) == 0
