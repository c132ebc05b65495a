"""SiliconFlow."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    44,
    "siliconflow",
    "SiliconFlow",
    "https://api.siliconflow.cn",
    owned_by="siliconflow",
    docs_url="https://docs.siliconflow.cn",
    balance=BalanceQuery.SILICONFLOW,
)
