"""Counting tokens without the network, where a provider does not tell them (contract §8.5).

``chat_text`` and ``input_text`` pull out of a request what counts; ``count_roughly`` is quick and errs on the
high side, enough to reserve by; ``count_exactly`` is what the original's tokenizer says. The tokenizer holds
the interpreter's lock, so a thread would not help: long texts are counted in slices between which everything
else gets its turn. Knows nothing of prices.
"""

import asyncio
import importlib.machinery
import importlib.util
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Protocol, cast

import msgspec

from oneapi_app.billing.image_size import image_size
from oneapi_app.billing.prices import built_in_model_ratios

SLICE_CHARACTERS = 8_000
"""About 0.3 ms of counting for prose, 2 ms for the worst text."""
APPROXIMATE_TOKENS_PER_BYTE = 0.38
_NAMED_O200K = ("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4-mini")
"""Names the original does not know, by the vocabulary their vendor says they use; anything else: cl100k."""
_CUT = re.compile(r"[A-Za-z\u00c0-\u024f\u3040-\ud7ff](?=[ ,.;:!?，。；：！？、][A-Za-z\u3040-\ud7ff])")
"""Where both vocabularies end a token whatever follows: a letter before one mark and another letter."""


class CountableText(msgspec.Struct, frozen=True, gc=False):
    """What of a request counts: texts to be tokenized one by one, and tokens that come on top."""

    texts: tuple[str, ...]
    extra_tokens: int = 0


class _Encoder(Protocol):
    def count(self, text: str) -> int: ...


def chat_text(
    messages: object, model: str, image_sizes: Mapping[str, tuple[int, int]] | None = None
) -> CountableText:
    """A chat's messages. ``image_sizes``: pixels of remote images by URL; unknown ones count nothing."""
    per_message, per_name = (4, -1) if model == "gpt-3.5-turbo-0301" else (3, 1)
    texts: list[str] = []
    extra = 3
    for message in _dicts(messages):
        extra += per_message
        content = message.get("content")
        if isinstance(content, str):
            texts.append(content)
        else:
            for part in _parts(content):
                if isinstance(part, str):
                    texts.append(part)
                else:
                    extra += _image_part_tokens(part, model, image_sizes or {})
        if isinstance(role := message.get("role"), str):
            texts.append(role)
        if isinstance(name := message.get("name"), str) and name:
            extra += per_name
            texts.append(name)
    return CountableText(tuple(texts), extra)


def input_text(value: object) -> CountableText:
    """A prompt or an input: a text, a list of texts, token numbers, or a list of lists of those."""
    if isinstance(value, str):
        return CountableText((value,))
    if not isinstance(value, list):
        return CountableText(())
    items = cast("list[object]", value)
    texts = tuple(item for item in items if isinstance(item, str))
    numbers = sum(len(cast("list[object]", item)) if isinstance(item, list) else 0 for item in items)
    return CountableText(texts, numbers + sum(isinstance(item, int) for item in items))


def count_roughly(countable: CountableText) -> int:
    """At least what nearly every text has: a token per three ASCII characters, one per any other character."""
    tokens = countable.extra_tokens
    for text in countable.texts:
        others = 0 if text.isascii() else (len(text.encode("utf-8", "replace")) - len(text) + 1) // 2
        tokens += (len(text) - others) // 3 + others + 1
    return tokens


async def count_exactly(countable: CountableText, model: str, *, approximate: bool = False) -> int:
    """Tokens as ``model``'s tokenizer has them. ``approximate``: option ApproximateTokenEnabled."""
    tokens = countable.extra_tokens
    counted = 0
    for text in countable.texts:
        if approximate:
            tokens += int(len(text.encode("utf-8", "replace")) * APPROXIMATE_TOKENS_PER_BYTE)
            continue
        for piece in slices(text):
            counted += len(piece)
            if counted > SLICE_CHARACTERS:
                counted = len(piece)
                await asyncio.sleep(0)
            tokens += _count(piece, model)
    return tokens


def slices(text: str) -> Iterator[str]:
    """The text in pieces whose token counts add up to the whole's, save where it has no blank for long."""
    start = 0
    while len(text) - start > SLICE_CHARACTERS * 2:
        found = _CUT.search(text, start + SLICE_CHARACTERS, start + SLICE_CHARACTERS * 2)
        end = found.end() if found else start + SLICE_CHARACTERS * 2
        yield text[start:end]
        start = end
    yield text[start:]


def image_tokens(model: str, width: int, height: int, detail: str) -> int:
    """What a vision model counts for one picture of this many pixels. 0 for a detail nobody knows."""
    mini = model.startswith("gpt-4o-mini")
    base, tile = (2833, 5667) if mini else (85, 170)
    if detail == "low":
        return base
    if detail not in ("", "auto", "high") or width <= 0 or height <= 0:
        return 0
    if max(width, height) > 2048:
        width, height = _scaled(width, height, 2048 / max(width, height))
    if min(width, height) > 768:
        width, height = _scaled(width, height, 768 / min(width, height))
    return -(-width // 512) * -(-height // 512) * tile + base


def _scaled(width: int, height: int, factor: float) -> tuple[int, int]:
    return int(width * factor), int(height * factor)


def _image_part_tokens(part: dict[str, Any], model: str, sizes: Mapping[str, tuple[int, int]]) -> int:
    image = part.get("image_url")
    image = cast("dict[str, Any]", image) if isinstance(image, dict) else {"url": image}
    url, detail = image.get("url"), image.get("detail") or ""
    if not isinstance(url, str) or not isinstance(detail, str):
        return 0
    size = image_size(url) if url.startswith("data:") else sizes.get(url)
    if detail == "low":
        size = size or (1, 1)
    return image_tokens(model, *size, detail) if size else 0


def _parts(content: object) -> Iterator[str | dict[str, Any]]:
    """Texts and image parts of a message's content, where it is a list."""
    for part in _dicts(content):
        if part.get("type") == "text" and isinstance(text := part.get("text"), str):
            yield text
        elif part.get("type") == "image_url":
            yield part


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in cast("list[object]", value):
            if isinstance(item, dict):
                yield cast("dict[str, Any]", item)


def _count(text: str, model: str) -> int:
    try:
        return _encoder(encoding_of(model)).count(text)
    except UnicodeEncodeError:
        return _encoder(encoding_of(model)).count(text.encode("utf-8", "replace").decode())


def encoding_of(model: str) -> str:
    """``o200k_base`` or ``cl100k_base``."""
    if model.startswith(("gpt-3.5", "gpt-4")) and model in built_in_model_ratios():
        return "o200k_base" if model.startswith("gpt-4o") else "cl100k_base"
    return "o200k_base" if model.startswith(_NAMED_O200K) else "cl100k_base"


@cache
def _encoder(name: str) -> _Encoder:
    """30 MB (cl100k) or 65 MB (o200k) of memory and 0.1 s, hence only when first needed."""
    return _bindings().tokenizer_for_encoding(name)


@cache
def _bindings() -> Any:
    """The package's native part alone: its Python part would keep another 65 MB of tables that counting ignores."""
    package = importlib.util.find_spec("bpe_openai")
    if package is None or package.submodule_search_locations is None:
        raise ImportError("bpe-openai is not installed")
    spec = importlib.machinery.PathFinder.find_spec(
        "bpe_openai._bindings", list(package.submodule_search_locations)
    )
    if spec is None or spec.loader is None:
        raise ImportError("bpe-openai has no native part")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
