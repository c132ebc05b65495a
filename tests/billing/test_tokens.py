"""Token counts: known values of the two vocabularies, the chat form's overhead, pictures, long texts."""

import asyncio
import base64
import json
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneapi_app.billing import tokens
from oneapi_app.billing.image_size import image_size, size_of
from oneapi_app.billing.tokens import (
    CountableText,
    chat_text,
    count_roughly,
    encoding_of,
    image_tokens,
    input_text,
)


def count(countable: CountableText, model: str, **how: bool) -> int:
    return asyncio.run(tokens.count_exactly(countable, model, **how))


@pytest.mark.parametrize(
    ("text", "cl100k", "o200k"),
    [
        # counts published with the vocabularies' cookbook and by tiktoken
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
        ("tiktoken is great!", 6, 6),
        ("Say hello", 2, 2),
        ("Hello there", 2, 2),
        ("<|endoftext|>", 7, 7),
        ("", 0, 0),
    ],
)
def test_known_texts(text, cl100k, o200k):
    assert count(CountableText((text,)), "gpt-4") == cl100k
    assert count(CountableText((text,)), "gpt-4o") == o200k


@pytest.mark.needs_shared
def test_what_the_original_counted_where_usage_was_missing(shared_dir):
    steps = json.loads((shared_dir / "oneapi/transcripts/relay_success.json").read_text("utf-8"))["steps"]
    rows = next(step for step in steps if step["name"] == "admin log by channel")["response"]["json"]["data"]
    messages = [{"role": "user", "content": "Say hello"}]
    for row in rows:
        model = row["model_name"]
        assert count(chat_text(messages, model), model) == row["prompt_tokens"]
        assert count(CountableText(("Hello there",)), model) == row["completion_tokens"]


def test_chat_overhead():
    base = count(chat_text([{"role": "user", "content": "Say hello"}], "gpt-4"), "gpt-4")
    assert base == 9
    named = [{"role": "user", "content": "Say hello", "name": "amy"}]
    amy = count(CountableText(("amy",)), "gpt-4")
    assert count(chat_text(named, "gpt-4"), "gpt-4") == base + 1 + amy
    assert count(chat_text(named, "gpt-3.5-turbo-0301"), "gpt-4") == base + 1 - 1 + amy
    parts = [{"type": "text", "text": "Say"}, {"type": "text", "text": " hello"}, {"type": "input_audio"}]
    assert count(chat_text([{"role": "user", "content": parts}], "gpt-4"), "gpt-4") == base


@pytest.mark.parametrize(
    "messages", [None, 7, "x", {}, [], [None], [7, "x"], [{"content": 5}], [{"content": [1, {"type": 2}]}]]
)
def test_malformed_messages_count_nothing_and_raise_nothing(messages):
    assert chat_text(messages, "gpt-4").texts == ()


def test_inputs():
    assert input_text("abc") == CountableText(("abc",))
    assert input_text(["a", "b"]) == CountableText(("a", "b"))
    assert input_text([1, 2, 3]).extra_tokens == 3
    assert input_text([[1, 2], [3]]).extra_tokens == 3
    assert input_text(None) == CountableText(())


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("gpt-4.1-mini", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("claude-3-opus-20240229", "cl100k_base"),
        ("unheard-of", "cl100k_base"),
    ],
)
def test_vocabulary_by_model(model, encoding):
    assert encoding_of(model) == encoding


def test_approximate_counts():
    assert count(CountableText(("x" * 100, "界" * 10), 5), "gpt-4", approximate=True) == 5 + 38 + 11


def test_lone_surrogates_are_counted_as_something():
    assert count(CountableText(("\ud800x",)), "gpt-4") >= 1
    assert count_roughly(CountableText(("\ud800x",))) >= 1


@pytest.mark.parametrize(
    ("width", "height", "detail", "plain", "mini"),
    [
        (1024, 1024, "high", 765, 25501),
        (1024, 1024, "", 765, 25501),
        (2048, 4096, "high", 1105, 36835),
        (4096, 8192, "low", 85, 2833),
        (150, 150, "auto", 255, 8500),
        (512, 3000, "high", 765, 25501),
        (100, 100, "ultra", 0, 0),
        (0, 10, "high", 0, 0),
    ],
)
def test_pictures(width, height, detail, plain, mini):
    assert image_tokens("gpt-4o", width, height, detail) == plain
    assert image_tokens("gpt-4o-mini", width, height, detail) == mini


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0"


def data_url(picture: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}"


def test_pictures_in_messages():
    def tokens_of(image_url: object, sizes: dict[str, tuple[int, int]] | None = None) -> int:
        content = [{"type": "image_url", "image_url": image_url}]
        return chat_text([{"content": content}], "gpt-4o", sizes).extra_tokens - 6

    assert tokens_of({"url": data_url(png(1024, 1024))}) == 765
    assert tokens_of(data_url(png(150, 150))) == 255
    assert tokens_of({"url": "https://a/b.png"}, {"https://a/b.png": (1024, 1024)}) == 765
    assert tokens_of({"url": "https://a/unknown.png"}) == 0
    assert tokens_of({"url": "https://a/unknown.png", "detail": "low"}) == 85
    assert tokens_of({"url": 7}) == tokens_of(None) == tokens_of({"url": "data:;base64,!!"}) == 0


def test_picture_heads():
    assert size_of(b"GIF89a" + struct.pack("<HH", 30, 20)) == (30, 20)
    assert size_of(b"BM" + b"\0" * 16 + struct.pack("<ii", 30, -20)) == (30, 20)
    exif = b"\xff\xe1" + struct.pack(">H", 2002) + b"\0" * 2000
    assert size_of(
        b"\xff\xd8" + exif + b"\xff\xff\xc2\0\x11\x08" + struct.pack(">HH", 20, 30) + b"\0" * 9
    ) == (30, 20)
    riff = b"RIFF\0\0\0\0WEBP"
    assert size_of(riff + b"VP8X" + b"\0" * 8 + b"\x1d\0\0\x13\0\0") == (30, 20)
    assert size_of(riff + b"VP8L" + b"\0" * 5 + struct.pack("<I", 29 | 19 << 14)) == (30, 20)
    assert size_of(riff + b"VP8 " + b"\0" * 10 + struct.pack("<HH", 30, 20)) == (30, 20)


@given(
    st.binary(max_size=64),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF0000WEBPVP8X", b"BM"]),
)
def test_no_bytes_break_it(data, head):
    size_of(head + data)
    image_size(data_url(head + data))


LONG = [
    "The quick brown fox jumps over the lazy dog, it's said; don't ask. " * 600,
    "世界，你好。这是一个测试！" * 4000,
    "def f(x):\n    return [x.y for y in x]  # why?\n" * 900,
]


@pytest.mark.parametrize("text", LONG)
@pytest.mark.parametrize("model", ["gpt-4", "gpt-4o"])
def test_slices_add_up_to_the_whole(text, model):
    pieces = list(tokens.slices(text))
    assert len(pieces) > 1
    assert "".join(pieces) == text
    assert count(CountableText((text,)), model) == tokens._count(text, model)


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_short_texts_are_one_slice(text):
    assert list(tokens.slices(text)) == [text]


def test_the_rough_count_covers_ordinary_texts():
    for text in LONG:
        assert count_roughly(CountableText((text,))) >= tokens._count(text, "gpt-4") * 0.85


async def test_a_long_count_lets_others_run():
    text = "".join(LONG) * 12
    tokens._encoder("cl100k_base")
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    watcher = asyncio.create_task(watch())
    began = time.perf_counter()
    await tokens.count_exactly(CountableText((text,)), "gpt-4")
    whole = time.perf_counter() - began
    watcher.cancel()
    assert longest < max(whole / 5, 0.02)
