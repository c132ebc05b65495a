"""Models as OpenAI's model list shows them, in the original's form (contract §6.3)."""

from typing import Any

import msgspec

from oneapi_app.providers.registry import catalogue

_CREATED = 1626777600
_PERMISSION: dict[str, Any] = {
    "id": "modelperm-LwHkVFn8AcMItP432fKKDIKJ",
    "object": "model_permission",
    "created": _CREATED,
    "allow_create_engine": True,
    "allow_sampling": True,
    "allow_logprobs": True,
    "allow_search_indices": False,
    "allow_view": True,
    "allow_fine_tuning": False,
    "organization": "*",
    "group": None,
    "is_blocking": False,
}


def model_object(name: str, owner: str, *, known: bool = True) -> dict[str, Any]:
    """A model in the original's form."""
    return {
        "id": name,
        "object": "model",
        "created": _CREATED,
        "owned_by": owner,
        "permission": [_PERMISSION] if known else None,
        "root": name,
        "parent": None,
    }


def full_catalogue() -> bytes:
    """``GET /api/channel/models``: every model of every type, repetitions included."""
    return msgspec.json.encode(
        {"object": "list", "data": [model_object(name, owner) for name, owner in catalogue()]}
    )
