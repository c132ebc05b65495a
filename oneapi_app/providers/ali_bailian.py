"""Alibaba Cloud Bailian, below /compatible-mode."""

from oneapi_app.providers.base import Operation
from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    49,
    "ali-bailian",
    "阿里云百炼",
    "https://dashscope.aliyuncs.com",
    endpoints={
        Operation.CHAT: "/compatible-mode/v1/chat/completions",
        Operation.EMBEDDINGS: "/compatible-mode/v1/embeddings",
    },
    owned_by="alibailian",
    docs_url="https://help.aliyun.com/zh/model-studio/",
)
