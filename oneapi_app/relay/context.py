"""What the relay works with: handed in by the runtime, so that every part can be tried on its own."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from oneapi_app.billing.ledger import Ledger
from oneapi_app.billing.prices import PriceTable
from oneapi_app.kit.database import Database
from oneapi_app.options import OptionValues
from oneapi_app.relay.activity import Activity
from oneapi_app.relay.callers import Callers
from oneapi_app.relay.failures import FailureLog
from oneapi_app.relay.health import ChannelHealth
from oneapi_app.relay.media import MediaFetcher
from oneapi_app.relay.routing import RoutingTable
from oneapi_app.relay.transport import Timeouts, Transport
from oneapi_app.settings import Settings


@dataclass(slots=True)
class Snapshot:
    """What changes at run time, replaced as a whole: options, prices, routes."""

    options: OptionValues
    prices: PriceTable
    table: RoutingTable


@dataclass(slots=True)
class RelayContext:
    """One per process."""

    settings: Settings
    database: Database
    ledger: Ledger
    transport: Transport
    timeouts: Timeouts
    callers: Callers
    health: ChannelHealth
    failures: FailureLog
    media: MediaFetcher
    snapshot: Snapshot
    activity: Activity
    client_address: Callable[[object], str]
    dice: random.Random = field(default_factory=random.Random)
    tasks: set[asyncio.Task[object]] = field(default_factory=set[asyncio.Task[object]])

    def in_background(self, work: object) -> None:
        """Runs a coroutine outside the request; the runtime waits for it when it stops."""
        task: asyncio.Task[object] = asyncio.ensure_future(work)  # type: ignore[arg-type]
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
