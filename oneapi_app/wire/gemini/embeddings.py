"""Embeddings of Gemini. https://ai.google.dev/api/embeddings"""

from typing import Any

import msgspec

from oneapi_app.errors import UpstreamProtocolError
from oneapi_app.wire.openai_embeddings import Embedded, EmbeddingRequest

Json = dict[str, Any]


class _Values(msgspec.Struct):
    values: list[float]


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    embeddings: list[_Values]
    usage_metadata: _Usage | None = None


def write_embeddings(request: EmbeddingRequest, model: str) -> Json:
    """The body of a batchEmbedContents call."""
    common: Json = {"model": f"models/{model}"}
    if request.dimensions is not None:
        common["outputDimensionality"] = request.dimensions
    return {"requests": [{**common, "content": {"parts": [{"text": text}]}} for text in request.texts]}


def read_embeddings(body: bytes) -> Embedded:
    """Raises UpstreamProtocolError."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UpstreamProtocolError("the provider's answer holds no embeddings") from None
    counted = answer.usage_metadata.prompt_token_count if answer.usage_metadata else None
    return Embedded([entry.values for entry in answer.embeddings], counted or None)
