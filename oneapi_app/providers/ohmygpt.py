"""OhMyGPT, a reseller."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    7,
    "ohmygpt",
    "代理：OhMyGPT",
    "https://api.ohmygpt.com",
    docs_url="https://www.ohmygpt.com",
)
