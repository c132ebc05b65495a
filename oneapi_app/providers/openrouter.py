"""OpenRouter; it shows who is calling by two headers."""

from oneapi_app.providers.base import BalanceQuery
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    20,
    "openrouter",
    "OpenRouter",
    "https://openrouter.ai/api",
    owned_by="openrouter",
    docs_url="https://openrouter.ai/docs/api-reference/overview",
    balance=BalanceQuery.OPENROUTER,
    extra_headers=(
        (b"http-referer", b"https://github.com/songquanpeng/one-api"),
        (b"x-title", b"One API"),
    ),
)
