"""What an image request must look like before it is sent (contract §6.9)."""

from typing import Any

from oneapi_app.billing.images import IMAGE_RULES
from oneapi_app.relay.refusals import invalid_request

DEFAULT_SIZE = "1024x1024"


def check_image(fields: dict[str, Any], model: str) -> None:
    """Raises Refusal 400 for a missing prompt, a size, a count or a length ``model`` does not know.

    ``model`` as the channel maps it.
    """
    prompt = fields.get("prompt")
    if prompt is not None and not isinstance(prompt, str):
        raise invalid_request("prompt must be a string", "invalid_image_request")
    if not prompt:
        raise invalid_request("prompt is required", "prompt_missing")
    rules = IMAGE_RULES
    size = fields.get("size") or DEFAULT_SIZE
    if not isinstance(size, str) or not rules.knows_size(model, size):
        raise invalid_request("size not supported for this image model", "size_not_supported")
    if len(prompt.encode("utf-8", "replace")) > rules.longest_prompt(model):
        raise invalid_request("prompt is too long", "prompt_too_long")
    count = fields.get("n") or 1
    if isinstance(count, bool) or not isinstance(count, int) or not rules.allows_count(model, count):
        raise invalid_request("invalid value of n", "n_not_within_range")
