"""iFlytek Spark over HTTP."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    48,
    "xunfei-v2",
    "讯飞星火认知 V2",
    "https://spark-api-open.xf-yun.com",
    owned_by="xunfeiv2",
    docs_url="https://www.xfyun.cn/doc/spark/HTTP%E8%B0%83%E7%94%A8%E6%96%87%E6%A1%A3.html",
)
