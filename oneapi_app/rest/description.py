"""What the API's description says of a route, declared where the route is; ``rest.openapi`` makes OpenAPI of it.

    @router.post("/token")
    @describes("Make a token", body=TokenDraft, data=TokenRow)
    async def create_token(...)

Knows neither FastAPI nor OpenAPI. Nothing here is enforced at run time: that the words are true is what the tests
under ``tests/rest`` see to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from oneapi_app.actor import COMMON

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

PUBLIC = 0
"""The role of routes that ask nobody who they are."""
NOTHING: Any = object()
"""An answer without ``data``."""


@dataclass(frozen=True, slots=True)
class Description:
    """``data`` and ``more`` are the types of the envelope's fields, ``answer`` that of a body without envelope."""

    summary: str
    role: int
    body: Any
    data: Any
    more: Mapping[str, Any]
    answer: Any
    statuses: Mapping[int, str]


_described: dict[Callable[..., Any], Description] = {}


def describes(
    summary: str,
    *,
    role: int = COMMON,
    body: Any = None,
    data: Any = NOTHING,
    more: Mapping[str, Any] | None = None,
    answer: Any = None,
    statuses: Mapping[int, str] | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Goes between the router's decorator and the function.

    ``role`` is the least that may call it, ``body`` the struct it decodes, ``data`` the type of its answer's data,
    ``more`` fields beside data, ``answer`` the whole answer where it is no envelope, ``statuses`` what else it may
    answer besides the usual ones, with the reason.
    """

    def register(endpoint: Endpoint) -> Endpoint:
        described = Description(summary, role, body, data, more or {}, answer, statuses or {})
        _described[endpoint] = described
        return endpoint

    return register


def description_of(endpoint: Callable[..., Any] | None) -> Description | None:
    return _described.get(endpoint) if endpoint is not None else None
