"""Requests on their way to vendors with a dialect of their own."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneapi_app.errors import ConversionError, UpstreamProtocolError
from oneapi_app.providers.base import ClientRequest, Dialect, Media, Operation, Route
from oneapi_app.providers.registry import provider_for
from oneapi_app.providers.translation import neutral_request

CONVERTED = (14, 24, 30)
MODELS = {14: "claude-sonnet-4-5", 24: "gemini-2.5-flash", 30: "qwen3"}


def request_of(fields: Any, *, stream: bool = False, operation: Operation = Operation.CHAT) -> ClientRequest:
    body = msgspec.json.encode(fields)
    return ClientRequest(Dialect.OPENAI, operation, "/v1/chat/completions", "", body, "m", stream, {})


def route_to(number: int, system_prompt: str | None = None) -> Route:
    return Route(1, number, "https://x", "k", {}, MODELS[number], system_prompt)


def image(url: str) -> dict[str, Any]:
    content = [{"type": "image_url", "image_url": {"url": url}}]
    return {"model": "m", "messages": [{"role": "user", "content": content}]}


def test_system_prompt_of_the_channel_replaces_or_precedes() -> None:
    user = {"role": "user", "content": "Hi"}
    system = {"role": "developer", "content": "Yours"}
    for messages, length in (([system, user], 2), ([user], 2), ([user, system], 3)):
        turns = neutral_request(request_of({"messages": messages}), route_to(14, "Ours")).turns
        assert len(turns) == length
        assert turns[0].parts[0].text == "Ours"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("number", "url", "fetched"),
    [
        (14, "https://x/a.png", False),
        (14, "http://x/a.png", True),
        (24, "https://x/a.png", True),
        (30, "https://x/a.png", True),
        (24, "data:image/png;base64,AAAA", False),
        (1, "http://x/a.png", False),
    ],
)
def test_links_the_vendor_cannot_follow_are_fetched(number: int, url: str, fetched: bool) -> None:
    assert provider_for(number).remote_media(request_of(image(url))) == ([url] if fetched else [])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"?", "x/y"),
    ],
)
def test_images_are_named_by_what_they_are(data: bytes, expected: str) -> None:
    request = request_of(image("http://x/a"))
    request.media = {"http://x/a": Media("x/y", data)}
    assert neutral_request(request, route_to(24)).turns[0].parts[0].media_type == expected  # type: ignore[union-attr]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.sampled_from(
    ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "arguments", "file",
     "input_audio", "data", "tool_call_id", "reasoning_details", "json_schema", "schema", "id", "parameters"]
)  # fmt: skip
VALUES = st.sampled_from(
    [
        "user",
        "assistant",
        "tool",
        "system",
        "text",
        "image_url",
        "file",
        "json_schema",
        "data:;base64,",
        "",
        "{",
        "{}",
    ]
)
SHAPED = st.recursive(
    VALUES | st.none() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {"messages": SHAPED | st.lists(st.dictionaries(WORDS, SHAPED, max_size=5), max_size=3)},
    optional=dict.fromkeys(("tools", "tool_choice", "max_tokens", "stop", "response_format", "thinking", "n", "seed", "temperature", "reasoning_effort", "functions", "stream_options"), SHAPED | ANYTHING),
)  # fmt: skip


@pytest.mark.parametrize("number", CONVERTED)
@settings(max_examples=300, deadline=None)
@given(FIELDS)
def test_any_body_is_sent_or_refused(number: int, fields: dict[str, Any]) -> None:
    try:
        request = request_of(fields)
        provider_for(number).remote_media(request)
        provider_for(number).build(request, route_to(number))
        provider_for(number).converter(request, route_to(number))
    except ConversionError as error:
        assert str(error)


@pytest.mark.parametrize("number", CONVERTED)
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=8), ANYTHING, max_size=4) | ANYTHING, st.binary(max_size=30))
def test_any_answer_is_read_or_refused(number: int, answer: Any, noise: bytes) -> None:
    request = request_of({"messages": []})
    for body in (msgspec.json.encode(answer) if _fits(answer) else b"", noise):
        for streamed in (False, True):
            converter = provider_for(number).converter(request, route_to(number))
            try:
                converter.feed(b"data: " + body + b"\n\n") if streamed else converter.convert(body)
            except UpstreamProtocolError as error:
                assert str(error)


def _fits(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except OverflowError:
        return False
    return True


@pytest.mark.parametrize("number", CONVERTED)
def test_errors_in_the_usual_forms(number: int) -> None:
    classify = provider_for(number).classify
    failure = classify(503, {b"retry-after": b"7"}, b"<html>", False)
    assert failure is not None
    assert (failure.status, failure.retry_after_s) == (503, 7)
    failure = classify(404, {}, b'{"error":"model not found"}', False)
    assert failure is not None
    assert failure.message == "model not found"
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    failure = classify(529, {}, body, True)
    assert failure is not None
    assert (failure.status, failure.message, failure.type) == (529, "Overloaded", "overloaded_error")
