"""MiniMax: chat only, at a path of its own."""

from oneapi_app.providers.base import Operation
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    27,
    "minimax",
    "MiniMax",
    "https://api.minimax.chat",
    endpoints={Operation.CHAT: "/v1/text/chatcompletion_v2"},
    owned_by="minimax",
    docs_url="https://platform.minimaxi.com/document",
)
