"""All channel types by their frozen numbers, and the model catalogue they add up to."""

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from oneapi_app.convert.failures import classify_openai
from oneapi_app.errors import ConversionError
from oneapi_app.providers import azure
from oneapi_app.providers.base import (
    ClientRequest,
    ConfigField,
    Dialect,
    Provider,
    Route,
    UpstreamRequest,
)
from oneapi_app.providers.compatible import BALANCES, EXTRA_HEADERS, SPECIAL_ENDPOINTS
from oneapi_app.providers.openai_like import ENDPOINTS, make_converter, openai_like

CUSTOM = 8
_OWN_FILES: Mapping[int, Provider] = {provider.id: provider for provider in (azure.PROVIDER,)}


@cache
def _data() -> Any:
    return json.loads((Path(__file__).parent / "data" / "channel_types.json").read_text(encoding="utf-8"))


def _unspoken(provider: Provider, _request: ClientRequest, _route: Route) -> UpstreamRequest:
    raise ConversionError(f"{provider.title} channels cannot be relayed to yet")


def _from_row(row: dict[str, Any]) -> Provider:
    number: int = row["id"]
    facts = {
        "title": row["ui_label"] or row["name"],
        "base_url": row["base_url"],
        "models": tuple(row["models"] or ()),
        "owned_by": row["owned_by"] or "",
        "key_format": row["key_format"] or "",
        "config_fields": tuple(ConfigField(name) for name in row["config_fields"]),
    }
    own = _OWN_FILES.get(number)
    if own is not None:
        return dataclasses.replace(
            own, models=facts["models"], owned_by=facts["owned_by"], key_format=facts["key_format"]
        )
    if row["api_type"] == "OpenAI":
        return openai_like(
            number,
            row["name"].lower(),
            endpoints=SPECIAL_ENDPOINTS.get(number, ENDPOINTS),
            extra_headers=EXTRA_HEADERS.get(number, ()),
            balance=BALANCES.get(number),
            **facts,
        )
    return Provider(
        id=number,
        slug=row["name"].lower(),
        dialect=Dialect.OPENAI,
        endpoints={},
        builder=_unspoken,
        make_converter=make_converter,
        classifier=classify_openai,
        legacy_other=row["legacy_other"],
        **facts,
    )


@cache
def providers() -> Mapping[int, Provider]:
    """Every channel type of the original, in numerical order."""
    return {row["id"]: _from_row(row) for row in _data()["types"]}


def provider_for(channel_type: int) -> Provider:
    """Unknown numbers are taken for custom OpenAI-compatible channels."""
    known = providers()
    return known.get(channel_type) or known[CUSTOM]


@cache
def choices() -> tuple[Provider, ...]:
    """The types in the order a form offers them."""
    known = providers()
    return tuple(known[number] for number in _data()["ui_order"])


@cache
def models_by_type() -> dict[str, list[str] | None]:
    """``GET /api/models``: type number -> model names, null for the proxy type."""
    return {str(row["id"]): row["models"] for row in _data()["types"]}


@cache
def catalogue() -> tuple[tuple[str, str], ...]:
    """(model, owner) in the original's order, repetitions included (contract §6.3)."""
    data = _data()
    rows = {row["id"]: row for row in data["types"]}
    first_of: dict[str, int] = {}
    for row in data["types"]:
        first_of.setdefault(row["api_type"], row["id"])
    adaptors = sorted(data["api_types"], key=data["api_types"].__getitem__)
    numbers = [first_of[name] for name in adaptors if name not in ("AIProxyLibrary",) and name in first_of]
    numbers += data["catalogue_compatible"]
    return tuple((model, rows[n]["owned_by"] or "") for n in numbers for model in rows[n]["models"] or ())
