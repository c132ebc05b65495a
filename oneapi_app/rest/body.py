"""Request bodies: bounded, decoded into the struct a handler asks for, or refused in words."""

import re
from typing import TypeVar

import msgspec
from fastapi import Request

from oneapi_app.errors import AppError, InvalidInput, invalid_parameter

T = TypeVar("T")
MAX_BODY_BYTES = 4 << 20
"""Largest body of the management API; ratio tables are the largest thing anybody sends."""


async def read_bytes(request: Request) -> bytes:
    """The body. Raises InvalidInput beyond the limit, without reading on."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise InvalidInput("请求体过大", f"the body is larger than {MAX_BODY_BYTES >> 20} MB")
        parts.append(part)
    return b"".join(parts)


async def read_json(request: Request, kind: type[T], otherwise: AppError | None = None) -> T:
    """The body as ``kind``; unknown fields are ignored. Raises ``otherwise`` (invalid parameter) if it is none."""
    body = await read_bytes(request)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise otherwise or invalid_parameter() from None


def read_int(text: str | None, default: int = 0) -> int:
    """A number from a query string, ``default`` for anything else."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,18}", text) else default


def read_id(text: str) -> int:
    """A number from a path. Raises InvalidInput."""
    if not text.isdecimal() or not text.isascii() or len(text) > 18:
        raise InvalidInput("无效的 id", "the id is not a number")
    return int(text)
