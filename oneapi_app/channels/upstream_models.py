"""Which models a channel's vendor offers to its key: for filling in a channel's form."""

import httpx

from oneapi_app.channels.enquiries import enquire
from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.errors import InvalidInput
from oneapi_app.providers.questions import ask_models
from oneapi_app.providers.registry import provider_for


async def fetch_models(record: ChannelRecord, client: httpx.AsyncClient) -> list[str]:
    """Names without repetitions, sorted. Raises InvalidInput where the type has no list, Unavailable."""
    provider = provider_for(record.type)
    base_url = record.base_url or provider.base_url
    if not base_url:
        raise InvalidInput("请先填写 Base URL", "enter the base URL first")
    question = ask_models(provider, base_url, record.key)
    if question is None:
        raise InvalidInput(
            "该类型的渠道不提供模型列表，请手动填写",
            "this type of channel has no list of models: enter them by hand",
        )
    return sorted({name for name in await enquire(client, provider, question) if name})
