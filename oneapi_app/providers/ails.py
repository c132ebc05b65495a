"""AI.LS, a reseller."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    9,
    "ails",
    "代理：AI.LS",
    "https://api.caipacity.com",
    docs_url="https://ai.ls",
)
