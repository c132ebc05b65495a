"""Baidu Qianfan v2: chat only, at /v2."""

from oneapi_app.providers.base import Operation
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    47,
    "baidu-v2",
    "百度文心千帆 V2",
    "https://qianfan.baidubce.com",
    endpoints={Operation.CHAT: "/v2/chat/completions"},
    owned_by="baiduv2",
    docs_url="https://cloud.baidu.com/doc/qianfan-api",
)
