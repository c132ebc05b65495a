"""What the relay works with: handed in by the runtime, so that every part can be tried on its own."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from oneapi_app.billing.ledger import Ledger
from oneapi_app.billing.prices import PriceTable
from oneapi_app.kit.database import Database
from oneapi_app.limits.limits import Limits
from oneapi_app.options import OptionValues
from oneapi_app.relay.activity import Activity
from oneapi_app.relay.callers import Callers
from oneapi_app.relay.failures import FailureLog
from oneapi_app.relay.health import ChannelHealth
from oneapi_app.relay.lanes import Lanes
from oneapi_app.relay.media import MediaFetcher
from oneapi_app.relay.presence import Watch
from oneapi_app.relay.reply import Scope
from oneapi_app.relay.routing import RoutingTable
from oneapi_app.relay.transport import Timeouts, Transport
from oneapi_app.settings import Settings

log = logging.getLogger(__name__)


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
    lanes: Lanes
    failures: FailureLog
    media: MediaFetcher
    snapshot: Snapshot
    activity: Activity
    limits: Limits
    client_address: Callable[[Scope], str]
    dice: random.Random = field(default_factory=random.Random)
    watch: Watch = field(default_factory=Watch)
    tasks: set[asyncio.Future[Any]] = field(default_factory=set[asyncio.Future[Any]])

    def in_background(self, work: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
        """Lets work go on outside the request; the runtime waits for it when it stops."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("work in the background failed: %s", type(error).__name__)
