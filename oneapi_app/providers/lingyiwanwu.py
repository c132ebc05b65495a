"""01.AI (Lingyiwanwu)."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    31,
    "lingyiwanwu",
    "零一万物",
    "https://api.lingyiwanwu.com",
    owned_by="lingyiwanwu",
    docs_url="https://platform.lingyiwanwu.com/docs",
)
