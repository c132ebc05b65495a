"""Reflex finds its configuration wherever the process was started, and writes nothing there."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PROBE = """
from oneapi_app.gateway import console_asgi
from oneapi_app.frontend_build import BUILT
BUILT.mkdir(parents=True, exist_ok=True)
console_asgi()
from oneapi_app.oneapi_app import app
print(type(app.state_manager).__name__)
"""


def test_started_elsewhere(tmp_path: Path):
    path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    probe = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert probe.stdout.strip().endswith("StateManagerMemory"), probe.stderr[-2000:]
    assert list(tmp_path.iterdir()) == []
