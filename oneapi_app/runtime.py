"""The process's parts and their lives: database, options, ledger, transport, relay. Composition, no logic.

REST handlers find it in the app's state, the console's through ``current_runtime``.
"""

import asyncio
import contextlib
import logging
import random
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from oneapi_app.billing.ledger import Ledger
from oneapi_app.billing.prices import PriceTable
from oneapi_app.channels import service as channels
from oneapi_app.channels.balances import Balances
from oneapi_app.channels.prober import Prober
from oneapi_app.events import (
    BalanceChanged,
    ChannelsChanged,
    ChannelSwitched,
    OptionsChanged,
    TokenChanged,
    UserChanged,
)
from oneapi_app.kit.client_address import Trusted, client_address, read_networks
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database
from oneapi_app.options import OptionValues
from oneapi_app.relay.activity import Activity
from oneapi_app.relay.asgi import RelayApp
from oneapi_app.relay.callers import Callers
from oneapi_app.relay.context import RelayContext, Snapshot
from oneapi_app.relay.failures import FailureLog
from oneapi_app.relay.health import ChannelHealth
from oneapi_app.relay.media import MediaFetcher
from oneapi_app.relay.probe import RelayProbe
from oneapi_app.relay.routing import build_table
from oneapi_app.relay.transport import Timeouts, Transport
from oneapi_app.relay.transport_h1 import H1Transport
from oneapi_app.relay.transport_httpx import HttpxTransport
from oneapi_app.settings import Settings
from oneapi_app.system import service as system
from oneapi_app.tokens import service as tokens
from oneapi_app.usage_log.upkeep import Upkeep

log = logging.getLogger(__name__)

_SWITCH_INTERVAL_S = 0.0005
"""How long a database thread may hold the interpreter while the event loop waits (docs/adr/0005-ledger.md)."""

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
    started_at: int = field(default_factory=now_s)

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
    def relay(self) -> RelayApp:
        return RelayApp(self.context)

    async def _on_events(self, events: Sequence[Any]) -> None:
        """Brings memory up to date before the caller who changed something gets an answer."""
        context = self.context
        reload_channels = False
        for event in events:
            match event:
                case OptionsChanged():
                    await self.reload_options()
                case ChannelsChanged():
                    reload_channels = True
                case ChannelSwitched(channel_id, _, enabled, reason):
                    log.warning(
                        "channel %d was %s by itself %s", channel_id, ("disabled", "enabled")[enabled], reason
                    )
                case TokenChanged(token_id, key):
                    context.callers.forget_key(key)
                    await context.ledger.refresh(None, token_id)
                case UserChanged(user_id):
                    context.callers.forget_user(user_id)
                case BalanceChanged(user_id, token_id):
                    await context.ledger.refresh(user_id, token_id)
                case _:
                    raise AssertionError(f"unknown event {event!r}")
        if reload_channels:
            await self.reload_channels()

    async def reload_options(self) -> None:
        options = await self.database.read(system.load_option_values)
        snapshot = self.context.snapshot
        snapshot.options = options
        snapshot.prices = PriceTable.from_options(options)

    async def reload_channels(self) -> None:
        records = await self.database.read(channels.load_records)
        self.context.snapshot.table = build_table(records)
        self.context.health.channels_changed(records)

    async def _refresh_forever(self) -> None:
        """Changes made by other programs on the same database."""
        while True:
            await asyncio.sleep(self.settings.sync_s)
            try:
                await self.reload_options()
                await self.reload_channels()
            except Exception as error:
                log.warning("could not refresh options and channels: %s", type(error).__name__)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Runtime"]:
        """Starts the ledger and the background work, ends both in order."""
        global _current
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self.database.subscribe(self._on_events)
        await self.ledger.start()
        await self.reload_options()
        await self.reload_channels()
        background = [asyncio.create_task(self._refresh_forever()), *self.prober.start_periodic()]
        background += self.balances.start_periodic()
        if self.settings.is_master:
            upkeep = Upkeep(self.database, lambda: self.options.log_retention_days)
            background.append(asyncio.create_task(upkeep.run()))
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
            await self.context.failures.stop()
            await self.context.transport.aclose()
            await self.database.close()


def open_runtime(settings: Settings, database: Database) -> Runtime:
    """Wires the parts over a prepared database. Touches neither network nor disk."""
    trusted = read_networks(settings.trusted_proxies)
    options = OptionValues({})

    async def load_caller(key: str) -> Any:
        return await database.read(tokens.load_caller, key)

    def current_options() -> OptionValues:
        return context.snapshot.options

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
        failures=failures,
        media=MediaFetcher(
            settings.user_content_timeout_s,
            settings.user_content_proxy,
            allow_private=settings.user_content_allow_private,
        ),
        snapshot=Snapshot(options, PriceTable.from_options(options), build_table([])),
        activity=Activity(),
        client_address=lambda scope: client_address(scope, trusted),
        dice=random.Random(),
    )
    probe = RelayProbe(context)
    prober = Prober(database, probe, settings, current_options)
    return Runtime(settings, database, trusted, context, prober, Balances(database, settings))


def _transport(settings: Settings) -> Transport:
    if settings.relay_proxy:
        return HttpxTransport(proxy=settings.relay_proxy, connections_per_host=settings.connections_per_host)
    return H1Transport(connections_per_host=settings.connections_per_host)
