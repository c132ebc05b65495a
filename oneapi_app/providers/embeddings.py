"""Embeddings of vendors that have a dialect of their own for them. See ``convert.base.Converter``; never streamed."""

from collections.abc import Callable

from oneapi_app.convert.base import Failure, StreamEnd
from oneapi_app.convert.hub import Usage
from oneapi_app.errors import ConversionError
from oneapi_app.providers.base import ClientRequest
from oneapi_app.wire.openai_embeddings import (
    Embedded,
    EmbeddingRequest,
    read_embedding_request,
    write_embeddings,
)


def embedding_request(request: ClientRequest) -> EmbeddingRequest:
    """Raises ConversionError."""
    if request.json is None:
        raise ConversionError("the body must be a JSON object")
    return read_embedding_request(request.json)


class EmbeddingConverter:
    def __init__(self, request: ClientRequest, read: Callable[[bytes], Embedded]) -> None:
        self._asked = embedding_request(request)
        self._model = request.model
        self._read = read
        self.usage: Usage | None = None
        self.has_content = False
        self.cut = False
        self.finished = False
        self.failure: Failure | None = None
        self.content_type: bytes | None = b"application/json"

    def feed(self, data: bytes) -> bytes:
        return data

    def close(self, end: StreamEnd) -> bytes:
        return b""

    def convert(self, body: bytes) -> bytes:
        embedded = self._read(body)
        if embedded.prompt_tokens is not None:
            self.usage = Usage(input_tokens=embedded.prompt_tokens)
        return write_embeddings(embedded, self._model, as_base64=self._asked.as_base64)

    def output_text(self) -> str:
        return ""
