"""360 Zhinao."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    19,
    "ai360",
    "360 智脑",
    "https://ai.360.cn",
    owned_by="360",
    docs_url="https://ai.360.com/platform/docs",
)
