"""ByteDance's Volcengine Ark (Doubao), at paths of its own; a model may be an endpoint id (ep-...)."""

from oneapi_app.providers.base import Operation
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    40,
    "doubao",
    "字节火山引擎",
    "https://ark.cn-beijing.volces.com",
    endpoints={
        Operation.CHAT: "/api/v3/chat/completions",
        Operation.EMBEDDINGS: "/api/v3/embeddings",
    },
    owned_by="doubao",
    docs_url="https://www.volcengine.com/docs/82379",
)
