"""CloseAI, a reseller."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    4,
    "closeai",
    "代理：CloseAI",
    "https://api.closeai-proxy.xyz",
    docs_url="https://www.closeai-asia.com",
    balance=BalanceQuery.CLOSEAI,
)
