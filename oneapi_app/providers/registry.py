"""All channel types by their frozen numbers, and the model catalogue they add up to.

A new vendor is a file beside this one and a line in ``_VENDORS``.
"""

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from oneapi_app.providers import (
    ai360,
    aigc2d,
    ails,
    aiproxy,
    ali_bailian,
    anthropic,
    api2d,
    api2gpt,
    azure,
    baichuan,
    baidu_v2,
    closeai,
    custom,
    deepseek,
    doubao,
    fastgpt,
    gemini,
    gemini_openai,
    groq,
    lingyiwanwu,
    minimax,
    mistral,
    moonshot,
    novita,
    ohmygpt,
    ollama,
    openai,
    openai_compatible,
    openai_max,
    openai_sb,
    openrouter,
    siliconflow,
    stepfun,
    together,
    unspoken,
    xai,
    xunfei_v2,
)
from oneapi_app.providers.base import Provider

_VENDORS = (
    openai.PROVIDER,
    api2d.PROVIDER,
    azure.PROVIDER,
    closeai.PROVIDER,
    openai_sb.PROVIDER,
    openai_max.PROVIDER,
    ohmygpt.PROVIDER,
    custom.PROVIDER,
    ails.PROVIDER,
    aiproxy.PROVIDER,
    api2gpt.PROVIDER,
    aigc2d.PROVIDER,
    anthropic.PROVIDER,
    ai360.PROVIDER,
    openrouter.PROVIDER,
    fastgpt.PROVIDER,
    gemini.PROVIDER,
    moonshot.PROVIDER,
    baichuan.PROVIDER,
    minimax.PROVIDER,
    mistral.PROVIDER,
    groq.PROVIDER,
    ollama.PROVIDER,
    lingyiwanwu.PROVIDER,
    stepfun.PROVIDER,
    deepseek.PROVIDER,
    together.PROVIDER,
    doubao.PROVIDER,
    novita.PROVIDER,
    siliconflow.PROVIDER,
    xai.PROVIDER,
    baidu_v2.PROVIDER,
    xunfei_v2.PROVIDER,
    ali_bailian.PROVIDER,
    openai_compatible.PROVIDER,
    gemini_openai.PROVIDER,
    *unspoken.PROVIDERS,
)


class _Lists(msgspec.Struct):
    """``data/models.json``."""

    about: str
    form_order: list[int]
    catalogue_order: list[int]
    models: dict[int, list[str] | None]


@cache
def _lists() -> _Lists:
    path = Path(__file__).parent / "data" / "models.json"
    return msgspec.json.decode(path.read_bytes(), type=_Lists, strict=False)


@cache
def providers() -> Mapping[int, Provider]:
    """Every channel type, in numerical order. A vendor without a list of models in its file has the original's."""
    listed = _lists().models
    return {
        vendor.id: dataclasses.replace(vendor, models=vendor.models or tuple(listed.get(vendor.id) or ()))
        for vendor in sorted(_VENDORS, key=lambda vendor: vendor.id)
    }


def provider_for(channel_type: int) -> Provider:
    """Unknown numbers are taken for custom OpenAI-compatible channels."""
    known = providers()
    return known.get(channel_type) or known[custom.PROVIDER.id]


@cache
def choices() -> tuple[Provider, ...]:
    """The types in the order a form offers them; ones the original did not have come last."""
    known = providers()
    order = _lists().form_order
    return tuple(known[number] for number in [*order, *(known.keys() - set(order))])


@cache
def models_by_type() -> dict[str, list[str] | None]:
    """``GET /api/models``: type number -> model names, null for the proxy type."""
    without = {number for number, models in _lists().models.items() if models is None}
    return {str(n): None if n in without else list(known.models) for n, known in providers().items()}


@cache
def catalogue() -> tuple[tuple[str, str], ...]:
    """(model, owner) in the original's order, repetitions included (contract §6.3)."""
    lists = _lists()
    known = providers()
    newer = sorted(known.keys() - lists.models.keys())
    numbers = [*lists.catalogue_order, *newer]
    return tuple((model, known[number].owned_by) for number in numbers for model in known[number].models)
