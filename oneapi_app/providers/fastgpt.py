"""FastGPT, answers from a knowledge base; the key names it."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    22,
    "fastgpt",
    "知识库：FastGPT",
    "https://fastgpt.run/api/openapi",
    key_format="APIKey-AppId (passed as-is as Bearer)",
    docs_url="https://doc.fastgpt.in",
)
