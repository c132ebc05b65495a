"""xAI."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    45,
    "xai",
    "xAI",
    "https://api.x.ai",
    owned_by="xai",
    docs_url="https://docs.x.ai",
)
