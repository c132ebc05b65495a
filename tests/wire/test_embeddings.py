"""What may be embedded, and how vectors are packed."""

import base64
import struct
from typing import Any

import pytest

from oneapi_app.errors import ConversionError, UpstreamProtocolError
from oneapi_app.providers.ollama import read_embeddings as read_ollama
from oneapi_app.wire.gemini.embeddings import read_embeddings as read_gemini
from oneapi_app.wire.openai_embeddings import Embedded, read_embedding_request, write_embeddings


@pytest.mark.parametrize("given", [None, [], 5, [[1, 2]], [1, 2], {"a": 1}])
def test_only_texts(given: Any) -> None:
    with pytest.raises(ConversionError, match="input"):
        read_embedding_request({"input": given})


def test_packed_as_openais_clients_unpack() -> None:
    written = write_embeddings(Embedded([[0.5, -1.25]], None), "m", as_base64=True)
    packed = written.split(b'"embedding":"')[1].split(b'"')[0]
    assert struct.unpack("<2f", base64.b64decode(packed)) == (0.5, -1.25)


@pytest.mark.parametrize("read", [read_gemini, read_ollama])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"embeddings": 1}', b"\xff", b'{"embeddings": [{"values": "x"}]}']
)
def test_garbage(read: Any, body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        read(body)
