"""Gemini in OpenAI's format."""

from oneapi_app.providers.openai_like import WITHOUT_V1, openai_like

PROVIDER = openai_like(
    51,
    "gemini-openai",
    "Gemini (OpenAI)",
    "https://generativelanguage.googleapis.com/v1beta/openai/",
    endpoints=WITHOUT_V1,
    owned_by="geminiv2",
    docs_url="https://ai.google.dev/gemini-api/docs/openai",
)
