"""Anything that speaks OpenAI's format at a base URL as OpenAI's libraries take it, version included."""

from oneapi_app.providers.openai_like import WITHOUT_V1, openai_like

PROVIDER = openai_like(
    50,
    "openai-compatible",
    "OpenAI 兼容",
    "",
    endpoints=WITHOUT_V1,
)
