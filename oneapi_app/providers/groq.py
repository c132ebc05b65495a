"""Groq."""

from oneapi_app.providers.openai_like import openai_like
from oneapi_app.providers.quirks import without

PROVIDER = openai_like(
    29,
    "groq",
    "Groq",
    "https://api.groq.com/openai",
    owned_by="groq",
    docs_url="https://console.groq.com/docs/openai",
    # Answered with 400, see "Currently unsupported OpenAI features" in their documentation.
    quirks=(without("logit_bias", "logprobs", "top_logprobs"),),
)
