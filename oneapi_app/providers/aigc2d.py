"""AIGC2D, a reseller."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    13,
    "aigc2d",
    "代理：AIGC2D",
    "https://api.aigc2d.com",
    docs_url="https://aigc2d.com",
    balance=BalanceQuery.AIGC2D,
)
