"""What this process remembers of the database, and how it stays in step: options, routes, callers, balances.

Events bring changes made here or on another node. Where they cannot arrive (another program's changes, no Redis,
Redis away) the database is asked again every so often.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from oneapi_app.billing.prices import PriceTable
from oneapi_app.channels import service as channels
from oneapi_app.events import (
    BalanceChanged,
    ChannelsChanged,
    ChannelSwitched,
    Event,
    EverythingChanged,
    LeaseWanted,
    OptionsChanged,
    TokenChanged,
    UserChanged,
)
from oneapi_app.kit.database import Database
from oneapi_app.relay.callers import FRESH_S
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.routing import build_table
from oneapi_app.system import service as system

log = logging.getLogger(__name__)

POLL_S = 2.0
"""Between questions to the database while Redis is away: other nodes' changes arrive that much later."""


class Memory:
    """One per process. ``is_cut_off``: there are other nodes, and their events do not arrive."""

    def __init__(
        self, database: Database, context: RelayContext, sync_s: float, is_cut_off: Callable[[], bool]
    ) -> None:
        self._database = database
        self._context = context
        self._sync_s = sync_s
        self._is_cut_off = is_cut_off
        self._unfinished = False
        # One after the other, or what was read first might be installed last.
        self._loading_options = asyncio.Lock()
        self._loading_channels = asyncio.Lock()

    async def load(self) -> None:
        """Options and channels, all of them."""
        await self._load_options()
        await self._load_channels()

    async def on_events(self, events: Sequence[Event]) -> None:
        """Applies what happened; memory is up to date when this returns.

        What nobody may get in on any more is forgotten first, before anything here waits for the database.
        """
        options, routes = False, False
        balances: set[tuple[int | None, int | None]] = set()
        callers, ledger = self._context.callers, self._context.ledger
        for event in events:
            match event:
                case OptionsChanged():
                    options = True
                case ChannelsChanged():
                    routes = True
                case ChannelSwitched(channel_id, _, enabled, reason):
                    log.warning(
                        "channel %d was %s by itself %s", channel_id, ("disabled", "enabled")[enabled], reason
                    )
                case TokenChanged(token_id, key):
                    callers.forget_key(key)
                    balances.add((None, token_id))
                case UserChanged(user_id):
                    callers.forget_user(user_id)
                case BalanceChanged(user_id, token_id):
                    balances.add((user_id, token_id))
                case LeaseWanted(user_id, token_id):
                    ledger.give_back(user_id, token_id)
                case EverythingChanged():
                    options = routes = True
                    callers.forget_all()
        await asyncio.gather(*(ledger.refresh(*which) for which in balances))
        if options:
            await self._load_options()
        if routes:
            await self._load_channels()

    async def on_foreign_events(self, events: Sequence[Event]) -> None:
        """The same for what another node did: nobody waits for it, so a failure is made good a little later."""
        try:
            await self.on_events(events)
        except Exception as error:
            self._unfinished = True
            log.warning("could not follow another node's changes: %s", type(error).__name__)

    async def follow(self) -> None:
        """Until cancelled: asks the database again, all the more often while cut off."""
        loaded_at = time.monotonic()
        while True:
            await asyncio.sleep(min(POLL_S, self._sync_s))
            cut_off = self._is_cut_off()
            self._context.callers.fresh_s = POLL_S if cut_off else FRESH_S
            if not (cut_off or self._unfinished or time.monotonic() - loaded_at >= self._sync_s):
                continue
            try:
                if self._unfinished:
                    self._context.callers.forget_all()
                await self.load()
                self._unfinished = False
                loaded_at = time.monotonic()
            except Exception as error:
                log.warning("could not refresh options and channels: %s", type(error).__name__)

    async def _load_options(self) -> None:
        async with self._loading_options:
            options = await self._database.read(system.load_option_values)
            snapshot = self._context.snapshot
            snapshot.options = options
            snapshot.prices = PriceTable.from_options(options)

    async def _load_channels(self) -> None:
        async with self._loading_channels:
            records = await self._database.read(channels.load_records)
            self._context.snapshot.table = build_table(records)
            self._context.health.channels_changed(records)
