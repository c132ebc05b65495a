"""One API's ORM as a program: ``tests/databases/gorm_client``, built once and run on a database."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneapi_app.settings import Settings
from tests.support.databases import variables_of
from tests.support.servers import find_program, need

SOURCE = Path(__file__).parents[1] / "databases" / "gorm_client"
BUILD_S = 900
"""The first build compiles its modules, SQLite in C among them; later ones take them from Go's cache."""


class Refused(Exception):
    """The program ended with an error; what it said."""


@dataclass(frozen=True)
class GormClient:
    program: Path

    def start(self, settings: Settings) -> list[str]:
        """Migrates as One API does when it starts; the statements that did it, sorted. Raises Refused."""
        return sorted(self._run(settings, "start", None)["changes"])

    def work(self, settings: Settings, task: dict[str, Any]) -> dict[str, Any]:
        """Migrates, reads, then writes; what was read. Raises Refused."""
        return self._run(settings, "work", task)["seen"]

    def _run(self, settings: Settings, command: str, task: Any) -> dict[str, Any]:
        done = subprocess.run(
            [self.program, command],
            input=json.dumps(task).encode(),
            env=os.environ | variables_of(settings),
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise Refused(done.stderr.decode())
        return json.loads(done.stdout)


def build_gorm_client(directory: Path) -> GormClient:
    go = find_program("go")
    need(go and find_program("gcc"), "Go and gcc")
    assert go
    program = directory / "gorm_client"
    done = subprocess.run(
        [go, "build", "-buildvcs=false", "-o", program, "."],
        cwd=SOURCE,
        env=os.environ
        | {"CGO_ENABLED": "1", "CGO_CFLAGS": "-O0"},  # SQLite is compiled faster than it is fast
        capture_output=True,
        timeout=BUILD_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return GormClient(program)
