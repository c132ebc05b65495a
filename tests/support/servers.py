"""Real database servers for tests: Debian's binaries on free ports, their files in temporary directories.

Nothing here waits for ever, and ``Server.stop`` ends just the process it started.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

START_TIMEOUT_S = 60.0
_BINARY_DIRECTORIES = ("/usr/sbin", "/usr/local/sbin", "/sbin")


@dataclass
class Server:
    """A running server. ``host`` is loopback; ``directory`` holds its files and goes with it."""

    process: subprocess.Popen[bytes]
    directory: Path
    port: int
    host: str = "127.0.0.1"

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(
                signal.SIGINT if "postgres" in str(self.process.args) else signal.SIGTERM
            )
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(15)
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """As a crash; ``stop`` still has to be called."""
        self.process.kill()
        self.process.wait(15)


def need(found: object, what: str) -> None:
    """Skips the test unless ``found``; where everything must be there, fails it."""
    if found:
        return
    if os.environ.get("ONEAPI_REQUIRE_EVERYTHING"):
        pytest.fail(f"needs {what}")
    pytest.skip(f"needs {what}")


def find_program(*names: str) -> str | None:
    """The first of the programs there is, also where ordinary users' PATH does not look."""
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, postgres), *_BINARY_DIRECTORIES])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_postgres(*, options: Sequence[str] = (), prepare: Callable[[Path], None] | None = None) -> Server:
    """PostgreSQL with user ``oneapi`` (trusted, superuser). ``prepare(data_directory)`` may edit its files first."""
    initdb, postgres = find_program("initdb"), find_program("postgres")
    assert initdb and postgres, "ask find_program first"
    directory, user = _new_directory("postgres")
    data = directory / "data"
    _run(
        [initdb, "-D", str(data), "-U", "oneapi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        user,
    )
    if prepare:
        prepare(data)
        _give(data, user)
    port = free_port()
    # fmt: off
    command = [
        postgres, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(directory),
        "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "deadlock_timeout=50ms",
        "-c", "max_connections=200", "-c", "shared_buffers=64MB", *options,
    ]
    # fmt: on
    return _start(command, directory, port, user, ready=b"database system is ready to accept connections")


def start_mysql(*, options: Sequence[str] = (), prepare: Callable[[Path], None] | None = None) -> Server:
    """MariaDB with user ``oneapi``, password ``oneapi``, all rights, over TCP and ``directory/mysql.sock``."""
    install = find_program("mariadb-install-db", "mysql_install_db")
    daemon = find_program("mariadbd", "mysqld")
    assert install and daemon, "ask find_program first"
    directory, user = _new_directory("mysql")
    data = directory / "data"
    account = user or pwd.getpwuid(os.getuid()).pw_name
    # fmt: off
    _run([
        install, "--no-defaults", f"--datadir={data}", f"--user={account}", "--skip-test-db",
        "--auth-root-authentication-method=normal", "--innodb-flush-log-at-trx-commit=0",
    ], None)
    # fmt: on
    if prepare:
        prepare(data)
        _give(data, user)
    grants = directory / "init.sql"
    grants.write_text(
        "CREATE USER 'oneapi'@'%' IDENTIFIED BY 'oneapi';\n"
        "GRANT ALL ON *.* TO 'oneapi'@'%' WITH GRANT OPTION;\n"
        "CREATE USER 'oneapi'@'localhost' IDENTIFIED BY 'oneapi';\n"
        "GRANT ALL ON *.* TO 'oneapi'@'localhost' WITH GRANT OPTION;\n"
    )
    _give(grants, user)
    port = free_port()
    # fmt: off
    command = [
        daemon, "--no-defaults", f"--datadir={data}", f"--user={account}", f"--socket={directory}/mysql.sock",
        f"--pid-file={directory}/mysql.pid", f"--port={port}", "--bind-address=127.0.0.1", f"--init-file={grants}",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0",
        "--innodb-buffer-pool-size=64M", "--skip-name-resolve", "--character-set-server=utf8mb4",
        "--max-connections=200", *options,
    ]
    # fmt: on
    return _start(command, directory, port, None, ready=b"ready for connections")


def start_redis(*options: str, port: int | None = None) -> Server:
    """Redis without persistence; ``port``: where another one was that has been stopped."""
    program = find_program("redis-server")
    assert program, "ask find_program first"
    directory, _ = _new_directory(None)
    port = port or free_port()
    # fmt: off
    command = [
        program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory), *options,
    ]
    # fmt: on
    return _start(command, directory, port, None, ready=b"Ready to accept connections")


def emptied_redis(server: Server) -> str:
    """Its URL."""
    import redis

    url = f"redis://{server.host}:{server.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


def _new_directory(account: str | None) -> tuple[Path, str | None]:
    """A directory of the account that is to run the server: PostgreSQL and MariaDB refuse to run as root."""
    directory = Path(tempfile.mkdtemp(prefix="oneapi-"))
    user = None
    if os.getuid() == 0 and account:
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = account if account in known else "nobody"
        _give(directory, user)
    return directory, user


def _give(path: Path, user: str | None) -> None:
    if user is None:
        return
    entry = pwd.getpwnam(user)
    for each in [path, *path.rglob("*")] if path.is_dir() else [path]:
        os.chown(each, entry.pw_uid, entry.pw_gid)


def _as(user: str | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _run(command: Sequence[str], user: str | None) -> None:
    done = subprocess.run(
        command, capture_output=True, timeout=START_TIMEOUT_S, cwd="/", check=False, **_as(user)
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stdout + done.stderr).decode()[-2000:]}")


def _start(command: Sequence[str], directory: Path, port: int, user: str | None, *, ready: bytes) -> Server:
    output = directory / "output.log"
    with output.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as(user))
    server = Server(process, directory, port)
    deadline = time.monotonic() + START_TIMEOUT_S
    while ready not in output.read_bytes() or not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            text = output.read_text(errors="replace")[-2000:]
            server.stop()
            raise RuntimeError(f"{command[0]} did not start: {text}")
        time.sleep(0.02)
    return server


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
