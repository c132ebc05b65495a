"""Mistral AI."""

from oneapi_app.providers.openai_like import openai_like
from oneapi_app.providers.quirks import developer_as_system, renamed, without

PROVIDER = openai_like(
    28,
    "mistral",
    "Mistral AI",
    "https://api.mistral.ai",
    owned_by="mistralai",
    docs_url="https://docs.mistral.ai/api",
    quirks=(
        developer_as_system,
        renamed("max_completion_tokens", "max_tokens"),
        renamed("seed", "random_seed"),
        # Unknown fields are answered with 422 "Extra inputs are not permitted".
        without("logit_bias", "logprobs", "service_tier", "store", "top_logprobs", "user"),
    ),
)
