"""Answers that need no provider: the model list, billing figures, and what does not exist."""

import asyncio
import contextlib
from functools import cache
from typing import Any

import msgspec

from oneapi_app.kit.text import storable
from oneapi_app.options import OptionValues
from oneapi_app.providers.model_list import model_object
from oneapi_app.providers.registry import catalogue
from oneapi_app.relay.context import RelayContext
from oneapi_app.tokens import service as tokens
from oneapi_app.tokens.schemas import CallerRecord

FLUSH_WAIT_S = 2.0
"""A database that is slow to take the latest bills must not hold up a figure for old clients."""
UNLIMITED_AMOUNT = 100_000_000
NOT_IMPLEMENTED = msgspec.json.encode(
    {
        "error": {
            "message": "API not implemented",
            "type": "one_api_error",
            "param": "",
            "code": "api_not_implemented",
        }
    }
)


@cache
def _owners() -> dict[str, str]:
    """Model -> owner; of repetitions the last counts for a single look-up."""
    return dict(catalogue())


def models(context: RelayContext, caller: CallerRecord) -> bytes:
    """``GET /v1/models``: the token's models, else those of its owner's group, known ones first in their order."""
    names = set(caller.models) or set(context.snapshot.table.models_of_group.get(caller.group, ()))
    listed: list[dict[str, Any]] = []
    for name, owner in catalogue():
        if name in names:
            names.discard(name)
            listed.append(model_object(name, owner))
    listed += [model_object(name, "custom", known=False) for name in sorted(names)]
    return msgspec.json.encode({"object": "list", "data": listed})


def model(name: str) -> bytes:
    """``GET /v1/models/{name}``; an unknown one is an error inside a 200 answer, as clients know it."""
    owner = _owners().get(name)
    if owner is None:
        error = {
            "message": f"The model '{storable(name)}' does not exist",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
        return msgspec.json.encode({"error": error})
    return msgspec.json.encode(model_object(name, owner))


def invalid_url(method: str, path: str) -> bytes:
    error = {
        "message": f"Invalid URL ({method} {storable(path)})",
        "type": "invalid_request_error",
        "param": "",
        "code": "",
    }
    return msgspec.json.encode({"error": error})


async def billing(context: RelayContext, caller: CallerRecord, what: str) -> bytes:
    """The two billing figures old clients show (contract §8.9), as of the last settled request."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(context.ledger.flushed(), FLUSH_WAIT_S)
    statement = await context.database.read(tokens.billing_statement, caller.token_id)
    options = context.snapshot.options
    by_token = options.display_token_stat_enabled
    remain = statement.token_remain if by_token else statement.user_remain
    used = statement.token_used if by_token else statement.user_used
    if what == "usage":
        return msgspec.json.encode({"object": "list", "total_usage": _money(used, options) * 100})
    amount = _money(remain + used, options)
    if by_token and statement.unlimited:
        amount = UNLIMITED_AMOUNT
    return msgspec.json.encode(
        {
            "object": "billing_subscription",
            "has_payment_method": True,
            "soft_limit_usd": amount,
            "hard_limit_usd": amount,
            "system_hard_limit_usd": amount,
            "access_until": max(caller.expired_time, 0) if by_token else 0,
        }
    )


def _money(units: int, options: OptionValues) -> float:
    return units / options.quota_per_unit if options.display_in_currency_enabled else units
