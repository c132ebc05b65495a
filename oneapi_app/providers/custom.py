"""Anything else that speaks OpenAI's format below /v1; also what unknown types are taken for."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    8,
    "custom",
    "自定义渠道",
    "",
    balance=BalanceQuery.OPENAI,
)
