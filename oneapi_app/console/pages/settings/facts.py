"""What is running: version, database, and how the process fares right now."""

import reflex as rx

from oneapi_app import __version__
from oneapi_app.console.session import ConsoleState
from oneapi_app.runtime import current_runtime
from oneapi_app.system import service as system


class FactsState(ConsoleState, rx.State):
    version: str = ""
    started_at: int = 0
    database: str = ""
    size: str = ""
    in_flight: int = 0
    unsettled: int = 0
    resting: int = 0

    @rx.event
    async def open(self) -> None:
        store = await self._read(system.read_store_facts)
        runtime = current_runtime()
        self.version, self.started_at = __version__, runtime.started_at
        self.database, self.size = f"{store.kind} {store.version}", write_size(store.size_bytes)
        self.in_flight = runtime.context.watch.in_flight
        self.unsettled = runtime.ledger.stats.pending_groups
        self.resting = len(runtime.context.health.resting())


def write_size(size_bytes: int) -> str:
    """``1.4 MB``."""
    amount = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit in ("B", "KB") else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"
