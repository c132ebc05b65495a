"""A provider's error answer in OpenAI's words (contract §6.7)."""

import math
from email.utils import parsedate_to_datetime
from typing import Any, cast

import msgspec

from oneapi_app.convert.base import Failure, Headers

BROKEN = 502
_MESSAGE_FIELDS = ("message", "msg", "err", "error_msg")
MAX_MESSAGE_CHARS = 4000


def classify_openai(status: int, headers: Headers, body: bytes, streaming: bool) -> Failure | None:
    """Errors by status, errors inside a 200 answer, and JSON where a stream was asked for."""
    if 200 <= status < 300:
        if not streaming and b'"error"' not in body:
            return None
        decoded = _decode(body)
        error = decoded.get("error") if decoded is not None else None
        if error or streaming:
            return _failure(BROKEN, decoded, headers)
        return None
    return _failure(status, _decode(body), headers)


def _decode(body: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return cast("dict[str, Any]", decoded) if isinstance(decoded, dict) else None


def _failure(status: int, decoded: dict[str, Any] | None, headers: Headers) -> Failure:
    retry_after = _retry_after(headers)
    error: Any = decoded.get("error") if decoded else None
    if isinstance(error, dict) and cast("dict[str, Any]", error).get("message"):
        return failure_from_error(status, cast("dict[str, Any]", error), retry_after)
    message = _first_text(decoded) or (error if isinstance(error, str) else "")
    return Failure(
        status,
        (message or f"bad response status code {status}")[:MAX_MESSAGE_CHARS],
        "upstream_error",
        "bad_response_status_code",
        str(status),
        retry_after,
    )


def failure_from_error(status: int, error: dict[str, Any], retry_after_s: float | None = None) -> Failure:
    """From an OpenAI error object."""
    code = error.get("code")
    return Failure(
        status,
        str(error.get("message") or "upstream error")[:MAX_MESSAGE_CHARS],
        str(error.get("type") or ""),
        code if isinstance(code, str | int) else None,
        str(error.get("param") or ""),
        retry_after_s,
    )


def failure_in_stream(error: Any) -> Failure:
    """From the error of a stream, whose HTTP status said nothing; its code may be one."""
    if not isinstance(error, dict):
        return Failure(BROKEN, str(error)[:MAX_MESSAGE_CHARS], "upstream_error", None, "", None)
    fields = cast("dict[str, Any]", error)
    code = fields.get("code")
    return failure_from_error(code if isinstance(code, int) and 400 <= code < 600 else BROKEN, fields)


def _first_text(decoded: dict[str, Any] | None) -> str:
    if not decoded:
        return ""
    for name in _MESSAGE_FIELDS:
        value = decoded.get(name)
        if isinstance(value, str) and value:
            return value
    for path in (("header", "message"), ("response", "error", "message")):
        value: Any = decoded
        for name in path:
            value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value
    return ""


def _retry_after(headers: Headers) -> float | None:
    """Seconds, or a date (RFC 9110 10.2.3), which is told by the answer's own clock."""
    asked = headers.get(b"retry-after")
    if asked is None:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        now = headers.get(b"date", b"")
        try:
            until = parsedate_to_datetime(asked.decode("latin-1")) - parsedate_to_datetime(
                now.decode("latin-1")
            )
        except (ValueError, TypeError):
            return None
        seconds = until.total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
