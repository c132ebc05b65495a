"""What is left on a vendor's account, asked in the vendor's way (contract §10.23)."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from oneapi_app.actor import ADMIN, Actor, require_role
from oneapi_app.channels import service
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.channels.sweep import Progress, Sweep, every
from oneapi_app.errors import Conflict, InvalidInput, Unavailable
from oneapi_app.kit.database import Database
from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.registry import provider_for
from oneapi_app.settings import Settings

TIMEOUT_S = 15.0
_OPENAI_LOOK_BACK_DAYS = 100

Get = Callable[..., Awaitable[Any]]


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

    def start_periodic(self) -> list[asyncio.Task[None]]:
        """CHANNEL_UPDATE_FREQUENCY, on the master only."""
        minutes = self._settings.channel_update_minutes
        if not minutes or not self._settings.is_master:
            return []
        return [asyncio.create_task(every(minutes * 60, self._start))]

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
        async with httpx.AsyncClient(
            timeout=TIMEOUT_S,
            trust_env=False,
            proxy=self._settings.relay_proxy or None,
            transport=self._transport,
        ) as client:
            balance = await ask(record, client)
        await self._database.run(service.record_balance, record.id, balance)
        return balance


async def ask(record: ChannelRecord, client: httpx.AsyncClient) -> float:
    """Raises InvalidInput where this type cannot tell, Unavailable where the vendor does not."""
    provider = provider_for(record.type)
    if provider.balance is None:
        raise InvalidInput("尚未实现", "this type of channel cannot tell its balance")
    base = record.base_url or provider.base_url

    async def get(url: str, headers: Mapping[str, str] | None = None, **query: str) -> Any:
        sent = {"authorization": f"Bearer {record.key}"} if headers is None else headers
        response = await client.get(url, headers=sent, params=query or None)
        if response.status_code != 200:
            raise Unavailable(
                f"status code: {response.status_code}", f"the vendor answers {response.status_code}"
            )
        return response.json()

    try:
        return await _QUERIES[provider.balance](get, base, record.key)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
        kind = type(error).__name__
        raise Unavailable(f"无法查询余额：{kind}", f"the balance cannot be read: {kind}") from None


async def _openai(get: Get, base: str, _key: str) -> float:
    subscription = await get(f"{base}/v1/dashboard/billing/subscription")
    today = dt.datetime.now(dt.UTC).date()
    start = today.replace(day=1)
    if not subscription.get("has_payment_method"):
        start = today - dt.timedelta(days=_OPENAI_LOOK_BACK_DAYS)
    usage = await get(f"{base}/v1/dashboard/billing/usage", start_date=str(start), end_date=str(today))
    return float(subscription.get("hard_limit_usd") or 0) - float(usage.get("total_usage") or 0) / 100


async def _closeai(get: Get, base: str, _key: str) -> float:
    return float((await get(f"{base}/dashboard/billing/credit_grants"))["total_available"])


async def _openai_sb(get: Get, _base: str, key: str) -> float:
    found = await get("https://api.openai-sb.com/sb-api/user/status", {}, api_key=key)
    return float(found["data"]["credit"])


async def _aiproxy(get: Get, _base: str, key: str) -> float:
    found = await get("https://aiproxy.io/api/report/getUserOverview", {"api-key": key})
    return float(found["data"]["totalPoints"])


async def _api2gpt(get: Get, _base: str, _key: str) -> float:
    return float((await get("https://api.api2gpt.com/dashboard/billing/credit_grants"))["total_remaining"])


async def _aigc2d(get: Get, _base: str, _key: str) -> float:
    return float((await get("https://api.aigc2d.com/dashboard/billing/credit_grants"))["total_available"])


async def _openrouter(get: Get, _base: str, _key: str) -> float:
    credits = (await get("https://openrouter.ai/api/v1/credits"))["data"]
    return float(credits["total_credits"]) - float(credits["total_usage"])


async def _deepseek(get: Get, base: str, _key: str) -> float:
    found = await get(f"{base}/user/balance")
    for info in found["balance_infos"]:
        if info["currency"] == "CNY":
            return float(info["total_balance"])
    raise Unavailable("currency CNY not found", "currency CNY not found")


async def _siliconflow(get: Get, base: str, _key: str) -> float:
    found = await get(f"{base}/v1/user/info")
    if found["code"] != 20000:
        raise Unavailable(f"code: {found['code']}", f"the vendor answers {found['code']}")
    return float(found["data"]["totalBalance"])


_QUERIES: Mapping[BalanceQuery, Callable[[Get, str, str], Awaitable[float]]] = {
    BalanceQuery.OPENAI: _openai,
    BalanceQuery.CLOSEAI: _closeai,
    BalanceQuery.OPENAI_SB: _openai_sb,
    BalanceQuery.AIPROXY: _aiproxy,
    BalanceQuery.API2GPT: _api2gpt,
    BalanceQuery.AIGC2D: _aigc2d,
    BalanceQuery.OPENROUTER: _openrouter,
    BalanceQuery.DEEPSEEK: _deepseek,
    BalanceQuery.SILICONFLOW: _siliconflow,
}
