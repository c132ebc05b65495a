"""OpenAI itself."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    1,
    "openai",
    "OpenAI",
    "https://api.openai.com",
    docs_url="https://platform.openai.com/docs/api-reference",
    balance=BalanceQuery.OPENAI,
)
