"""OpenAI Max, a reseller."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    6,
    "openai-max",
    "代理：OpenAI Max",
    "https://api.openaimax.com",
    docs_url="https://openaimax.com",
)
