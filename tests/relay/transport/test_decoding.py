"""Content encodings: any chunking gives the same bytes, and no more memory than asked for."""

import gzip
import zlib
from collections.abc import Iterable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneapi_app.relay.transport_body import PIECE_BYTES, EncodingError, decoder_for


def decode(encoding: bytes, pieces: Iterable[bytes]) -> bytes:
    decoder = decoder_for(encoding)
    assert decoder is not None
    out: list[bytes] = []
    for piece in pieces:
        decoder.feed(piece)
        while data := decoder.next():
            assert len(data) <= 2 * PIECE_BYTES
            out.append(data)
    decoder.finish()
    return b"".join(out)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


ENCODERS = [
    (b"gzip", gzip.compress),
    (b"gzip", lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])),
    (b"deflate", zlib.compress),
    (b"deflate", raw_deflate),
    (b"br", brotli.compress),
]


@given(st.binary(max_size=300), st.sampled_from(ENCODERS), st.integers(1, 9), st.integers(0, 3))
def test_any_chunking_gives_the_same_bytes(data: bytes, encoder, size: int, repeats: int):
    encoding, encode = encoder
    text = data * 50**repeats if repeats < 3 else data
    packed = encode(text)
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert decode(encoding, pieces) == decode(encoding, [packed]) == text


@given(st.binary(min_size=1, max_size=300), st.sampled_from([b"gzip", b"deflate", b"br"]))
def test_noise_is_an_error_or_nothing_worse(noise: bytes, encoding: bytes):
    try:
        decode(encoding, [noise])
    except EncodingError as error:
        assert str(error)


@pytest.mark.parametrize("encoding", [b"", b" Identity "])
def test_no_encoding_needs_no_decoder(encoding: bytes):
    assert decoder_for(encoding) is None
