"""API2D, a reseller."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    2,
    "api2d",
    "代理：API2D",
    "https://oa.api2d.net",
    docs_url="https://api2d.com",
)
