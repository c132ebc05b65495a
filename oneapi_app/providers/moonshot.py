"""Moonshot AI (Kimi)."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    25,
    "moonshot",
    "Moonshot AI",
    "https://api.moonshot.cn",
    owned_by="moonshot",
    docs_url="https://platform.moonshot.cn/docs",
)
