"""Novita: chat only, its base URL already ends in the version."""

from oneapi_app.providers.base import Operation
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    41,
    "novita",
    "Novita",
    "https://api.novita.ai/v3/openai",
    endpoints={Operation.CHAT: "/chat/completions"},
    owned_by="novita",
    docs_url="https://novita.ai/docs",
)
