"""Reading a request's body: bounded, decompressed, decoded once."""

import asyncio
import zlib
from typing import Annotated, Any, cast

import msgspec

from oneapi_app.relay.refusals import Refusal, bad_request, invalid_request
from oneapi_app.relay.reply import ClientGone, Message, Receive

_INVALID = "common.UnmarshalBodyReusable failed: "
MAX_SPEECH_BYTES = 4096
MAX_TOKENS_LIMIT = (2**31 - 1) // 2


async def read_body(message: Message, receive: Receive, limit: int, gzipped: bool) -> bytes:
    """The whole body, of which ``message`` is the first part. Raises Refusal 413 beyond ``limit`` bytes, before or
    after decompression.
    """
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = [body]
        size = len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise too_large(limit)
            parts.append(part)
        body = b"".join(parts)
    if len(body) > limit:
        raise too_large(limit)
    # In a thread: a few bytes can unpack to very many.
    return await asyncio.to_thread(gunzip, body, limit) if gzipped else body


def gunzip(body: bytes, limit: int) -> bytes:
    """Raises Refusal 400 for bytes that are no gzip, 413 for those that unpack to more than ``limit``."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise bad_request("invalid gzip body") from None
    if len(unpacked) > limit:
        raise too_large(limit)
    if not unpacker.eof:
        raise bad_request("invalid gzip body: it ends too early")
    return unpacked


def too_large(limit: int) -> Refusal:
    return Refusal(413, f"request body is larger than {limit // (1 << 20)} MB", code="request_too_large")


def read_json(body: bytes) -> dict[str, Any]:
    """The body as a JSON object with a text ``model``. Raises Refusal 400 in the form of the early checks."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(_INVALID + _brief(error)) from None
    if not isinstance(decoded, dict):
        raise bad_request(_INVALID + "expected a JSON object")
    fields = cast("dict[str, Any]", decoded)
    model = fields.get("model", "")
    if not isinstance(model, str) and model is not None:
        raise bad_request(_INVALID + "model must be a string")
    return fields


class _Message(msgspec.Struct, gc=False):
    """Some object; what is in it is of no interest here."""


_Limit = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS_LIMIT)]


class ChatHead(msgspec.Struct, gc=False):
    """What the relay needs of a chat request: the rest of the body is read over, which costs a third."""

    model: str | None = None
    messages: list[_Message] | None = None
    stream: bool | None = None
    max_tokens: _Limit | None = None
    max_completion_tokens: _Limit | None = None


_chats = msgspec.json.Decoder(ChatHead)


def read_chat(body: bytes) -> ChatHead | None:
    """None where anything is not as it should be: ``read_json`` and the checks tell what, each in its turn."""
    try:
        if not body.isascii():
            body.decode()  # texts that are read over are not looked into
        head = _chats.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return head if head.messages else None


def _brief(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split(": ")[0][:200]


def check_messages(fields: dict[str, Any]) -> None:
    """What the original validates before a chat request is sent. Raises Refusal 400."""
    messages = fields.get("messages")
    if messages is not None and not isinstance(messages, list):
        raise invalid_request("messages must be a list")
    if not messages:
        raise invalid_request("field messages is required")
    for message in messages:  # pyright: ignore[reportUnknownVariableType] - JSON
        if not isinstance(message, dict):
            raise invalid_request("each message must be an object")


def check_speech(fields: dict[str, Any]) -> None:
    """What is read aloud is billed by its length, so it must have one. Raises Refusal 400."""
    said = fields.get("input")
    if said is None:
        return  # nothing to bill; the provider has its own words for it
    if not isinstance(said, str):
        raise invalid_request("input must be a string", "invalid_json")
    if len(said.encode("utf-8", "replace")) > MAX_SPEECH_BYTES:
        raise invalid_request(f"input is too long (over {MAX_SPEECH_BYTES} bytes)", "text_too_long")


def check_max_tokens(fields: dict[str, Any]) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        value = fields.get(name)
        if value is None:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= MAX_TOKENS_LIMIT:
            raise invalid_request(f"{name} is invalid")


def answer_limit(max_completion_tokens: float | None, max_tokens: float | None) -> int | None:
    limit = max_completion_tokens or max_tokens
    return None if limit is None else int(limit)


def check_stream(fields: dict[str, Any]) -> bool:
    """Whether a stream is asked for. Raises Refusal 400 where ``stream`` is no boolean."""
    stream = fields.get("stream")
    if stream is None or stream is False:
        return False
    if stream is not True:
        raise invalid_request("stream must be true or false")
    return True
