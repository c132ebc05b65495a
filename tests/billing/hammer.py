"""A process that does nothing but reserve and settle, as fast as it can, and says so on its standard output.

``+5`` before a settlement of 5 is handed over, ``=5`` once the ledger has it. Started by ``test_kill``.
"""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

from oneapi_app.billing.errors import LedgerRefusal
from oneapi_app.billing.ledger import Ledger
from oneapi_app.kit.database import open_database
from oneapi_app.settings import default_settings
from tests.billing.seeds import charge

CLIENTS = 50
ACCOUNTS = 3


async def main(overrides: dict[str, str], journal_dir: Path) -> None:
    database = open_database(default_settings(**overrides))
    ledger = Ledger(database, journal_dir, batch_ms=20, fsync=False)
    await ledger.start()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    for account in range(1, ACCOUNTS + 1):
        await ledger.open_account(account, account)
    os.write(1, b"ready\n")

    async def client() -> None:
        while not stopping.is_set():
            account = random.randint(1, ACCOUNTS)
            try:
                held = ledger.reserve(account, account, 5)
            except LedgerRefusal:
                await asyncio.sleep(0.01)
                continue
            await asyncio.sleep(random.uniform(0, 0.004))
            if random.random() < 0.1:
                ledger.release(held)
                continue
            units = random.randint(0, 9)
            os.write(1, b"+%d\n" % units)
            await ledger.settle(held, charge(units, account))
            os.write(1, b"=%d\n" % units)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    await ledger.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1]), Path(sys.argv[2])))
