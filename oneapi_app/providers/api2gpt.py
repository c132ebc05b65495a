"""API2GPT, a reseller."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    12,
    "api2gpt",
    "代理：API2GPT",
    "https://api.api2gpt.com",
    docs_url="https://www.api2gpt.com",
    balance=BalanceQuery.API2GPT,
)
