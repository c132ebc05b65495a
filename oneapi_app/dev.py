"""``make dev``: serves, and starts again whenever a source changes. For people working on the product.

A changed page is rebuilt by the start itself; a changed service only restarts. Knows nothing of what it runs.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
WATCHED = ("oneapi_app", "assets", "alembic", "rxconfig.py")
LOOK_EVERY_S = 0.7


def main() -> int:
    """Runs until interrupted."""
    while True:
        seen = _state()
        print("==> starting", flush=True)  # noqa: T201 - this is a command
        process = subprocess.Popen([sys.executable, "-m", "oneapi_app", "run", *sys.argv[1:]])  # noqa: S603
        try:
            while _state() == seen:
                time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            return process.wait()
        process.terminate()
        process.wait()


def _state() -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in _files()}


def _files() -> Iterator[Path]:
    for name in WATCHED:
        source = PROJECT / name
        found = source.rglob("*") if source.is_dir() else (source,)
        yield from (path for path in found if path.is_file() and path.suffix != ".pyc")


if __name__ == "__main__":
    sys.exit(main())
