"""What reserving and settling cost, on SQLite (whole balances) and PostgreSQL (leases), alone and with a second node.

    python -m bench.ledger [requests]

CPU time of this process per request, and of its event loop alone: a figure that other work on the machine moves
little. 32 clients that do nothing else. PostgreSQL is started where Debian has it and left out where not.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oneapi_app.billing.ledger import Ledger
from oneapi_app.kit.database import Database, open_database
from oneapi_app.migration import migrate
from oneapi_app.settings import default_settings
from tests.billing.seeds import charge, seed
from tests.support.databases import postgres_dsn
from tests.support.servers import find_program, start_postgres

REQUESTS = 20_000
CLIENTS = 32
UNITS = 500
PLENTY = 10**12
SWITCH_INTERVAL_S = 0.0005
"""As the product sets it."""


@contextmanager
def databases(directory: Path) -> Iterator[list[Database]]:
    opened = [open_database(default_settings(sqlite_path=str(directory / "bench.db")))]
    server = start_postgres() if find_program("initdb") else None
    try:
        if server is not None:
            opened.append(open_database(default_settings(sql_dsn=postgres_dsn(server, "postgres"))))
        for database in opened:
            migrate(database)
            seed(database, quota=PLENTY, remain=PLENTY, count=2)
        yield opened
    finally:
        for database in opened:
            database.close_sync()
        if server is not None:
            server.stop()


async def measure(database: Database, directory: Path, requests: int, *, nodes: int) -> tuple[float, float]:
    """Microseconds of CPU per request: the process, the event loop's thread."""
    ledgers = [
        Ledger(database, directory / f"{database.dialect}{number}", batch_ms=50, fsync=False)
        for number in range(nodes)
    ]
    for ledger in ledgers:
        await ledger.start()
        await ledger.open_account(1, 1)
    dice = random.Random(1)
    charges = [charge(UNITS) for _ in range(requests)]

    async def client(ledger: Ledger) -> None:
        while charges:
            bill = charges.pop()
            held = await ledger.obtain(1, 1, 2 * UNITS)
            for _ in range(dice.randint(0, 7)):
                await asyncio.sleep(
                    0
                )  # as answers end: not all in the same tick, which would share one write
            await ledger.settle(held, bill)

    process, thread = time.process_time(), time.thread_time()
    await asyncio.gather(*(client(ledgers[number % nodes]) for number in range(CLIENTS)))
    for ledger in ledgers:
        await ledger.flushed()
    process, thread = time.process_time() - process, time.thread_time() - thread
    for ledger in ledgers:
        await ledger.stop()
    return process / requests * 1e6, thread / requests * 1e6


def main(requests: int) -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with tempfile.TemporaryDirectory() as directory, databases(Path(directory)) as opened:
        print("CPU per request, µs      process   event loop")
        for database in opened:
            for nodes in (1,) if database.dialect == "sqlite" else (1, 2):
                process, loop = asyncio.run(measure(database, Path(directory), requests, nodes=nodes))
                what = f"{database.dialect}, {nodes} node{'s' if nodes > 1 else ''}"
                print(f"{what:24} {process:7.1f} {loop:12.1f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS)
