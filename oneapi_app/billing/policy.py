"""What a request costs, to the unit, and how costs are told to people (contract §8). Pure arithmetic.

Products and roundings are in the original's order, so that results agree to the last unit. All amounts are
quota units, whole numbers.
"""

import math
from dataclasses import dataclass

from oneapi_app.billing.prices import Price


@dataclass(frozen=True, slots=True)
class CacheWeights:
    """What a prompt token read from, or written to, the provider's prompt cache costs beside a plain one."""

    read: float
    write: float


FULL_PRICE = CacheWeights(read=1.0, write=1.0)
"""Dialects whose prompt count includes cached tokens are billed as the original bills them."""
CACHE_WEIGHTS = {"anthropic": CacheWeights(read=0.1, write=1.25)}
"""By dialect: those that count cached tokens apart, with the published prices of their cache."""


def cache_weights(dialect: str) -> CacheWeights:
    return CACHE_WEIGHTS.get(dialect, FULL_PRICE)


def estimate_text(
    ratio: float, prompt_tokens: int, answer_tokens: int | None, unknown_answer_tokens: int
) -> int:
    """What to reserve for a text request at ``ratio`` units per prompt token.

    ``answer_tokens``: the client's limit, if it set one. ``unknown_answer_tokens``: option PreConsumedQuota.
    At least 1 where tokens cost anything, so that an empty balance never gets an answer for nothing.
    """
    units = int((unknown_answer_tokens + prompt_tokens + (answer_tokens or 0)) * ratio)
    return 1 if units <= 0 and ratio != 0 else units


def text_units(
    price: Price,
    prompt_tokens: int,
    completion_tokens: int,
    *,
    cache_read_tokens: int = 0,
    cache_write_tokens: int = 0,
    weights: CacheWeights = FULL_PRICE,
) -> int:
    """The price of a text answer. ``prompt_tokens`` excludes the two cache classes, if those are given."""
    if prompt_tokens + completion_tokens + cache_read_tokens + cache_write_tokens == 0:
        return 0
    weighed: float = prompt_tokens
    if cache_read_tokens or cache_write_tokens:
        weighed = prompt_tokens + cache_read_tokens * weights.read + cache_write_tokens * weights.write
    return priced(weighed + completion_tokens * price.completion_ratio, price.ratio)


def priced(tokens: float, ratio: float) -> int:
    """Of so many prompt tokens, or what weighs as much; at least 1 where they cost anything."""
    units = math.ceil(tokens * ratio)
    return 1 if units <= 0 and ratio != 0 else units


def image_units(price: Price, cost_ratio: float, count: int) -> int:
    """The price of ``count`` images; 1 for vendors that bill the request, not the picture."""
    return int(price.ratio * cost_ratio * 1000) * count


def speech_units(price: Price, input_bytes: int) -> int:
    """The price of reading aloud, by bytes of UTF-8."""
    return int(input_bytes * price.ratio)


def estimate_transcription(price: Price, unknown_answer_tokens: int) -> int:
    """What to reserve before the length of a recording is known."""
    return _at_least_one(int(unknown_answer_tokens * price.ratio), price.ratio)


def transcription_units(price: Price, text_tokens: int) -> int:
    """The price of a transcription, by tokens of its text. The original forgot the ratio (contract §6.10)."""
    return text_units(price, text_tokens, 0)


def _at_least_one(units: int, ratio: float) -> int:
    return 1 if units <= 0 and ratio != 0 else units


def text_log(price: Price) -> str:
    """The log row's text for a text request."""
    return f"倍率：{price.model_ratio:.2f} × {price.group_ratio:.2f} × {price.completion_ratio:.2f}"


def media_log(price: Price) -> str:
    """The log row's text for images and audio."""
    return f"倍率：{price.model_ratio:.2f} × {price.group_ratio:.2f}"


def quota_text(units: int, *, in_currency: bool, units_per_currency: float) -> str:
    """An amount for people, as the original writes it into log rows and mails."""
    if in_currency:
        return f"＄{units / units_per_currency:.6f} 额度"
    return f"{units} 点额度"
