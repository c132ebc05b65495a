"""The process's parts and their lives: database, options, ledger, transport, relay. Composition, no logic.

REST handlers find it in the app's state, the console's through ``current_runtime``.
"""

import asyncio
import contextlib
import gc
import logging
import random
import sys
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from oneapi_app.accounts.proofs import EmailProofs
from oneapi_app.accounts.third_party.exchange import ThirdParties
from oneapi_app.accounts.turnstile import Turnstile
from oneapi_app.billing.ledger import Ledger
from oneapi_app.billing.prices import PriceTable
from oneapi_app.channels.balances import Balances
from oneapi_app.channels.prober import Prober
from oneapi_app.kit.client_address import Trusted, UnknownProxies, client_address, read_networks
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database
from oneapi_app.kit.public_address import is_public
from oneapi_app.limits.limits import Limits
from oneapi_app.limits.shared import SharedWindows
from oneapi_app.mail.mailer import Mailer
from oneapi_app.nodes.connection import open_redis
from oneapi_app.nodes.node import Node
from oneapi_app.notices.notices import Notices
from oneapi_app.options import OptionValues
from oneapi_app.relay.activity import Activity
from oneapi_app.relay.asgi import RelayApp
from oneapi_app.relay.callers import Callers
from oneapi_app.relay.context import RelayContext, Snapshot
from oneapi_app.relay.failures import FailureLog
from oneapi_app.relay.health import ChannelHealth
from oneapi_app.relay.lanes import Lanes
from oneapi_app.relay.media import MediaFetcher
from oneapi_app.relay.probe import RelayProbe
from oneapi_app.relay.routing import build_table
from oneapi_app.relay.transport import Timeouts, Transport
from oneapi_app.relay.transport_h1 import H1Transport
from oneapi_app.relay.transport_httpx import HttpxTransport
from oneapi_app.settings import Settings
from oneapi_app.tokens import service as tokens
from oneapi_app.usage_log.upkeep import Upkeep

log = logging.getLogger(__name__)

_SWITCH_INTERVAL_S = 0.0005
"""How long a database thread may hold the interpreter while the event loop waits (docs/adr/0005-ledger.md)."""

_GARBAGE_THRESHOLD = 10_000
"""Objects made before reference cycles are looked for. With Python's 700 that is a tenth of a relayed call, which makes
no cycles (docs/adr/0011-performance.md).
"""

_current: "Runtime | None" = None


def current_runtime() -> "Runtime":
    """The running process's runtime. Raises RuntimeError before the start."""
    if _current is None:
        raise RuntimeError("the runtime has not been started")
    return _current


@dataclass(slots=True)
class Runtime:
    """One per process; made by ``open_runtime``, alive inside ``running``."""

    settings: Settings
    database: Database
    trusted_networks: Trusted
    context: RelayContext
    prober: Prober
    balances: Balances
    third_parties: ThirdParties
    node: Node
    mailer: Mailer
    proofs: EmailProofs
    turnstile: Turnstile
    notices: Notices
    started_at: int = field(default_factory=now_s)
    relay: RelayApp = field(init=False)
    _unknown_proxies: UnknownProxies = field(init=False)

    def __post_init__(self) -> None:
        self._unknown_proxies = UnknownProxies(self.trusted_networks)
        self.relay = RelayApp(self.context)

    @property
    def options(self) -> OptionValues:
        return self.context.snapshot.options

    @property
    def prices(self) -> PriceTable:
        return self.context.snapshot.prices

    @property
    def ledger(self) -> Ledger:
        return self.context.ledger

    @property
    def activity(self) -> Activity:
        return self.context.activity

    @property
    def limits(self) -> Limits:
        return self.context.limits

    def client_address(self, scope: MutableMapping[str, Any]) -> str:
        """Of whoever calls the management API or opens a page."""
        if (proxy := self._unknown_proxies.find(scope)) is not None:
            log.warning(
                "X-Forwarded-For from %s does not count: if that is your proxy, name it in TRUSTED_PROXIES, "
                "or all who come through it share one address and its limits",
                proxy,
            )
        return client_address(scope, self.trusted_networks)

    async def page_wait_s(self, scope: MutableMapping[str, Any]) -> float | None:
        """Counts a page; None where it may be had, else seconds until it may."""
        return await self.limits.pages.hit(self.client_address(scope))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Runtime"]:
        """Starts the ledger and the background work, ends both in order."""
        global _current
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        gc.set_threshold(_GARBAGE_THRESHOLD)
        self.database.subscribe(self.notices.on_events)
        self.ledger.watch(self.notices.balances_applied)
        await self.ledger.start()
        background = self._periodic_work()
        await self.node.start()
        self.notices.start()
        _current = self
        try:
            yield self
        finally:
            _current = None
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self.prober.stop()
            await self.balances.stop()
            await self.context.health.stop()
            if self.context.tasks:
                await asyncio.gather(*self.context.tasks, return_exceptions=True)
            await self.ledger.stop()
            await self.node.stop()
            await self.context.failures.stop()
            await self.context.transport.aclose()
            await self.third_parties.aclose()
            await self.turnstile.aclose()
            await self.proofs.stop()
            await self.notices.stop()
            self.mailer.stop()
            await self.database.close()

    def _periodic_work(self) -> list[asyncio.Task[None]]:
        """What one node does for all, each piece where its duty allows."""
        apply_for = self.node.duties.apply_for
        upkeep = Upkeep(self.database, lambda: self.options.log_retention_days)
        return [
            *self.prober.start_periodic(apply_for),
            *self.balances.start_periodic(apply_for),
            asyncio.create_task(upkeep.run(apply_for("upkeep of the usage log"))),
        ]


def open_runtime(settings: Settings, database: Database) -> Runtime:
    """Wires the parts over a prepared database. Touches neither network nor disk; raises SettingsError."""
    trusted = read_networks(settings.trusted_proxies)
    options = OptionValues({})

    async def load_caller(key: str) -> Any:
        return await database.read(tokens.load_caller, key)

    def current_options() -> OptionValues:
        return context.snapshot.options

    redis = open_redis(settings)
    shared = SharedWindows(redis, lambda: node.is_connected) if redis is not None else None
    failures = FailureLog(database)
    context = RelayContext(
        settings=settings,
        database=database,
        ledger=Ledger(
            database, settings.journal_dir, batch_ms=settings.ledger_batch_ms, fsync=settings.ledger_fsync
        ),
        transport=_transport(settings),
        timeouts=Timeouts(
            connect_s=settings.connect_timeout_s or None,
            first_byte_s=settings.first_byte_timeout_s or None,
            idle_s=settings.idle_timeout_s or None,
            total_s=settings.relay_timeout_s or None,
        ),
        callers=Callers(load_caller),
        health=ChannelHealth(settings, database, failures, current_options),
        lanes=Lanes(settings),
        failures=failures,
        media=MediaFetcher(
            settings.user_content_timeout_s,
            settings.user_content_proxy,
            may_reach=(lambda _: True) if settings.user_content_allow_private else is_public,
        ),
        snapshot=Snapshot(options, PriceTable.from_options(options), build_table([])),
        activity=Activity(),
        limits=Limits(settings, shared),
        client_address=lambda scope: client_address(scope, trusted),
        dice=random.Random(),
    )
    node = Node(settings, database, context, redis)
    mailer = Mailer(current_options)
    notices = Notices(database, mailer, current_options)
    return Runtime(
        settings=settings,
        database=database,
        trusted_networks=trusted,
        context=context,
        prober=Prober(
            database, RelayProbe(context), settings, current_options, notices.channel_test_finished
        ),
        balances=Balances(database, settings),
        third_parties=ThirdParties(),
        node=node,
        mailer=mailer,
        proofs=EmailProofs(database, mailer, current_options),
        turnstile=Turnstile(settings.turnstile_verify_url),
        notices=notices,
    )


def _transport(settings: Settings) -> Transport:
    if settings.relay_proxy:
        return HttpxTransport(proxy=settings.relay_proxy, connections_per_host=settings.connections_per_host)
    return H1Transport(connections_per_host=settings.connections_per_host)
