"""What is left on a vendor's account, asked in the vendor's way (contract §10.23)."""

import asyncio
import datetime as dt
from collections.abc import Callable

import httpx

from oneapi_app.actor import ADMIN, Actor, require_role
from oneapi_app.channels import service
from oneapi_app.channels.enquiries import enquire, open_client
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.channels.sweep import Progress, Sweep, every
from oneapi_app.errors import Conflict, InvalidInput
from oneapi_app.kit.database import Database
from oneapi_app.providers.questions import ask_balance
from oneapi_app.providers.registry import provider_for
from oneapi_app.settings import Settings


class Balances:
    """One per process. Asks through the relay's proxy where one is set."""

    def __init__(
        self, database: Database, settings: Settings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._database = database
        self._settings = settings
        self._transport = transport
        busy = Conflict("余额更新已在运行中", "balances are being updated already")
        self._sweep = Sweep("balance update", settings.polling_s, busy)

    @property
    def progress(self) -> Progress:
        return self._sweep.progress

    async def update(self, actor: Actor, channel_id: int) -> float:
        """Asks the vendor and stores the answer, in the vendor's currency. Raises AppError."""
        require_role(actor, ADMIN)
        record = await self._database.read(service.load_record, channel_id)
        return await self._update(record)

    def start_all(self, actor: Actor) -> None:
        """All enabled channels whose vendor can tell, in the background. Raises Conflict while running."""
        require_role(actor, ADMIN)
        self._start()

    def start_periodic(self, apply_for: Callable[[str], Callable[[], bool]]) -> list[asyncio.Task[None]]:
        """CHANNEL_UPDATE_FREQUENCY. ``apply_for`` says, for this piece of work, when it is ours to do."""
        minutes = self._settings.channel_update_minutes
        if not minutes:
            return []
        is_ours = apply_for("channel balance updates")
        return [asyncio.create_task(every(minutes * 60, is_ours, self._start))]

    async def stop(self) -> None:
        await self._sweep.stop()

    def _start(self) -> None:
        self._sweep.start(self._tellers, self._visit)

    async def _tellers(self) -> list[ChannelRecord]:
        records = await self._database.read(service.load_records)
        return [r for r in records if r.enabled and provider_for(r.type).balance is not None]

    async def _visit(self, record: ChannelRecord) -> bool:
        await self._update(record)
        return True

    async def _update(self, record: ChannelRecord) -> float:
        async with open_client(self._settings.relay_proxy, self._transport) as client:
            balance = await ask(record, client)
        await self._database.run(service.record_balance, record.id, balance)
        return balance


async def ask(record: ChannelRecord, client: httpx.AsyncClient) -> float:
    """Raises InvalidInput where this type cannot tell, Unavailable where the vendor does not."""
    provider = provider_for(record.type)
    if provider.balance is None:
        raise InvalidInput("尚未实现", "this type of channel cannot tell its balance")
    base_url = record.base_url or provider.base_url
    today = dt.datetime.now(dt.UTC).date()
    return await enquire(client, provider, ask_balance(provider.balance, base_url, record.key, today))
