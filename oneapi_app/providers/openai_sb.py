"""OpenAI-SB, a reseller."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    5,
    "openai-sb",
    "代理：OpenAI-SB",
    "https://api.openai-sb.com",
    docs_url="https://openai-sb.com",
    balance=BalanceQuery.OPENAI_SB,
)
