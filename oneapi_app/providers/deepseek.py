"""DeepSeek."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like
from oneapi_app.providers.quirks import developer_as_system, renamed

PROVIDER = openai_like(
    36,
    "deepseek",
    "DeepSeek",
    "https://api.deepseek.com",
    owned_by="deepseek",
    docs_url="https://api-docs.deepseek.com",
    balance=BalanceQuery.DEEPSEEK,
    quirks=(developer_as_system, renamed("max_completion_tokens", "max_tokens")),
)
