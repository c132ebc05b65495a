"""Baichuan."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    26,
    "baichuan",
    "百川大模型",
    "https://api.baichuan-ai.com",
    owned_by="baichuan",
    docs_url="https://platform.baichuan-ai.com/docs/api",
)
