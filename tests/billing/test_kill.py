"""``kill -9`` at any moment under load: afterwards every book says the same, and it is what clients were told."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from oneapi_app.billing.ledger import Ledger
from oneapi_app.kit.database import Database, open_database
from oneapi_app.settings import Settings
from tests.billing.hammer import ACCOUNTS
from tests.billing.seeds import Books, books, seed

REPOSITORY = Path(__file__).parents[2]
PLENTY = 100_000_000


class Hammer:
    """One run of ``hammer``; collects what it says."""

    def __init__(self, settings: Settings, journal_dir: Path) -> None:
        overrides = json.dumps({"sql_dsn": settings.sql_dsn, "sqlite_path": settings.sqlite_path})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.billing.hammer", overrides, str(journal_dir)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
        )
        self.begun = self.acknowledged = self.count = 0
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self._ready.wait(30), "the process did not start"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(b"+"):
                self.begun += int(line[1:])
            elif line.startswith(b"=") and line.endswith(b"\n"):
                self.acknowledged += int(line[1:])
                self.count += 1
            elif line == b"ready\n":
                self._ready.set()

    def end(self, with_signal: signal.Signals) -> int:
        self.process.send_signal(with_signal)
        code = self.process.wait(60)
        self._reader.join(10)
        return code


@pytest.fixture
def database(database_settings):
    opened = open_database(database_settings)
    seed(opened, quota=PLENTY, remain=PLENTY, count=ACCOUNTS)
    yield opened
    opened.close_sync()


async def restart(database: Database, journal_dir: Path) -> Books:
    """What the next start of the program does with what is left behind."""
    ledger = Ledger(database, journal_dir, batch_ms=20, fsync=False)
    await ledger.start()
    await ledger.stop()
    return books(database)


async def test_killed_at_random_moments(database_settings, database, tmp_path):
    acknowledged = begun = count = 0
    for _ in range(4):
        hammer = Hammer(database_settings, tmp_path / "ledger")
        time.sleep(random.uniform(0.05, 0.8))
        assert hammer.end(signal.SIGKILL) == -signal.SIGKILL
        acknowledged += hammer.acknowledged
        begun += hammer.begun
        count += hammer.count
    now = await restart(database, tmp_path / "ledger")
    assert count > 100
    assert acknowledged <= now.consumed <= begun
    assert count <= now.rows
    assert now.user_quota == now.token_remain == ACCOUNTS * PLENTY - now.consumed
    assert now.cursors == 0


async def test_killed_while_replaying(database_settings, database, tmp_path):
    """The start after a kill is killed too, at once; the one after that finishes."""
    hammer = Hammer(database_settings, tmp_path / "ledger")
    time.sleep(0.3)
    hammer.end(signal.SIGKILL)
    for _ in range(3):
        overrides = json.dumps(
            {"sql_dsn": database_settings.sql_dsn, "sqlite_path": database_settings.sqlite_path}
        )
        command = [sys.executable, "-m", "tests.billing.hammer", overrides, str(tmp_path / "ledger")]
        starting = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        time.sleep(random.uniform(0.2, 0.9))
        starting.kill()
        starting.wait(10)
    now = await restart(database, tmp_path / "ledger")
    assert now.consumed >= hammer.acknowledged
    assert now.user_quota == ACCOUNTS * PLENTY - now.consumed


async def test_a_graceful_stop_loses_nothing(database_settings, database, tmp_path):
    hammer = Hammer(database_settings, tmp_path / "ledger")
    time.sleep(0.5)
    assert hammer.end(signal.SIGTERM) == 0
    now = books(database)
    assert hammer.acknowledged == hammer.begun == now.consumed
    assert hammer.count == now.rows > 0
    assert now.cursors == 0
    assert [path.name for path in (tmp_path / "ledger").iterdir()] == ["directory.lock"]
