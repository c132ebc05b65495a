"""AI Proxy, a reseller."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    10,
    "aiproxy",
    "代理：AI Proxy",
    "https://api.aiproxy.io",
    docs_url="https://aiproxy.io",
    balance=BalanceQuery.AIPROXY,
)
