"""Compares an answer of ours with a recorded one: everything recorded must be there, placeholders match by kind."""

import re
import time
from typing import Any

_PATTERNS = {
    "<version>": re.compile(r".+"),
    "<key48>": re.compile(r"[0-9A-Za-z]{48}"),
    "<hex32>": re.compile(r"[0-9a-f]{32}"),
    "<code4>": re.compile(r"[0-9A-Za-z]{4}"),
    "<request_id>": re.compile(r"\d{20,40}"),
    "<ip>": re.compile(r"[0-9a-f.:]+"),
    "<day>": re.compile(r"\d{4}-\d\d-\d\d"),
    "<message>": re.compile(r"(?s).+"),
    "<any>": re.compile(r"(?s).+"),
}
_TOKEN = re.compile("|".join(map(re.escape, _PATTERNS)))
NOW_TOLERANCE_S = 300


def differences(
    expected: Any, actual: Any, *, unordered: frozenset[str] = frozenset(), path: str = ""
) -> list[str]:
    """Sentences, none where the answer will do. ``unordered``: dotted paths of lists without an order."""
    if isinstance(expected, str):
        return _text(expected, actual, path)
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{path}: expected an object, got {actual!r}"]
        found: list[str] = []
        for key, value in expected.items():
            if key not in actual:
                found.append(f"{path}.{key}: missing")
            else:
                found += differences(
                    value, actual[key], unordered=unordered, path=f"{path}.{key}".lstrip(".")
                )
        return found
    if isinstance(expected, list):
        return _list(expected, actual, unordered, path)
    if isinstance(expected, float) or isinstance(actual, float):
        close = isinstance(actual, int | float) and abs(float(expected) - float(actual)) < 1e-9
        return [] if close else [f"{path}: expected {expected!r}, got {actual!r}"]
    return (
        []
        if expected == actual and type(expected) is type(actual)
        else [f"{path}: expected {expected!r}, got {actual!r}"]
    )


def _list(expected: list[Any], actual: Any, unordered: frozenset[str], path: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{path}: expected a list, got {actual!r}"]
    if len(expected) != len(actual):
        return [f"{path}: expected {len(expected)} items, got {len(actual)}"]
    if path in unordered:
        left = list(actual)
        for item in expected:
            match = next((i for i, other in enumerate(left) if not differences(item, other)), None)
            if match is None:
                return [f"{path}: {item!r} is missing"]
            left.pop(match)
        return []
    return [
        line
        for index, (one, other) in enumerate(zip(expected, actual, strict=True))
        for line in differences(one, other, unordered=unordered, path=f"{path}.{index}")
    ]


def _text(expected: str, actual: Any, path: str) -> list[str]:
    if expected == "<time>":
        good = isinstance(actual, int) and abs(actual - time.time()) < NOW_TOLERANCE_S
    elif expected == "<duration>":
        good = isinstance(actual, int | float) and actual >= 0
    elif _TOKEN.search(expected):
        parts = _TOKEN.split(expected)
        tokens = _TOKEN.findall(expected)
        pattern = re.escape(parts[0])
        for token, rest in zip(tokens, parts[1:], strict=True):
            pattern += f"(?:{_PATTERNS[token].pattern.removeprefix('(?s)')})" + re.escape(rest)
        good = isinstance(actual, str) and re.fullmatch(pattern, actual, re.DOTALL) is not None
    else:
        good = actual == expected
    return [] if good else [f"{path}: expected {expected!r}, got {actual!r}"]
