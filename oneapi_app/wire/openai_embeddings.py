"""OpenAI embeddings: reading what is asked, writing the answer. https://platform.openai.com/docs/api-reference/embeddings"""

import base64
import sys
from array import array
from typing import Any

import msgspec

from oneapi_app.errors import ConversionError

Json = dict[str, Any]


class EmbeddingRequest(msgspec.Struct, frozen=True):
    texts: tuple[str, ...]
    dimensions: int | None
    as_base64: bool


class Embedded(msgspec.Struct, frozen=True):
    """``prompt_tokens`` None: the provider has not counted."""

    vectors: list[list[float]]
    prompt_tokens: int | None


class _Fields(msgspec.Struct):
    input: Any = None
    dimensions: int | None = None
    encoding_format: str | None = None


def read_embedding_request(fields: Json) -> EmbeddingRequest:
    """Raises ConversionError."""
    try:
        asked = msgspec.convert(fields, _Fields, strict=False)
        texts = (
            (asked.input,) if isinstance(asked.input, str) else msgspec.convert(asked.input, tuple[str, ...])
        )
    except msgspec.ValidationError as error:
        raise ConversionError(f"input: this provider takes a text or a list of texts ({error})") from None
    if not texts:
        raise ConversionError("input: nothing to embed")
    return EmbeddingRequest(texts, asked.dimensions, asked.encoding_format == "base64")


def write_embeddings(embedded: Embedded, model: str, *, as_base64: bool) -> bytes:
    """``as_base64``: little-endian 32-bit floats, which OpenAI's own clients ask for."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if as_base64 else vector}
        for index, vector in enumerate(embedded.vectors)
    ]
    answer: Json = {"object": "list", "data": data, "model": model}
    if embedded.prompt_tokens is not None:
        answer["usage"] = {"prompt_tokens": embedded.prompt_tokens, "total_tokens": embedded.prompt_tokens}
    return msgspec.json.encode(answer)


def _packed(vector: list[float]) -> str:
    packed = array("f", vector)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()
