"""The envelope every answer of ``/api`` travels in (contract §5.0)."""

from typing import Any

import msgspec
from fastapi import Response


def envelope(data: Any = msgspec.UNSET, *, success: bool = True, message: str = "", **more: Any) -> bytes:
    """``data`` is left out where there is nothing. Structs, dicts and lists are all fine."""
    fields: dict[str, Any] = {} if data is msgspec.UNSET else {"data": data}
    return msgspec.json.encode({**more, **fields, "message": message, "success": success})


def ok(data: Any = msgspec.UNSET, **more: Any) -> Response:
    """A success; ``more`` are fields beside ``data``."""
    return json_response(envelope(data, **more))


def failed(message: str, status: int = 200, **more: Any) -> Response:
    return json_response(envelope(success=False, message=message, **more), status)


def json_response(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json; charset=utf-8")
