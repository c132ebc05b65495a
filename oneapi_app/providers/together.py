"""together.ai."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    39,
    "together",
    "together.ai",
    "https://api.together.xyz",
    owned_by="together.ai",
    docs_url="https://docs.together.ai/docs/openai-api-compatibility",
)
