"""Corners of writing generateContent calls that no recorded conversation shows."""

from typing import Any

import msgspec
import pytest

from oneapi_app.errors import ConversionError
from oneapi_app.providers.base import ClientRequest, Dialect, Operation, Route
from oneapi_app.providers.registry import provider_for
from oneapi_app.wire.gemini.write_request import write_request
from oneapi_app.wire.openai_chat.read_request import read_request
from tests.providers.vendor_types import judge_google


def write(model: str = "gemini-2.5-flash", api_version: str = "v1beta", **fields: Any) -> dict[str, Any]:
    fields.setdefault("messages", [{"role": "user", "content": "Hi"}])
    body = write_request(
        read_request(fields, model, stream=False), api_version=api_version, safety="BLOCK_NONE"
    )
    judge_google(body)
    return body


def thinking(model: str, **fields: Any) -> Any:
    return write(model, **fields).get("generationConfig", {}).get("thinkingConfig")


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", "high", {"thinkingBudget": 24576, "includeThoughts": True}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128, "includeThoughts": False}),
        ("gemini-3-pro-preview", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3.5-flash", "minimal", {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-4-argon", "xhigh", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-4-argon", "none", {"thinkingLevel": "low", "includeThoughts": False}),
        ("gemini-2.0-flash", "high", None),
        ("gemini-2.5-flash", None, None),
    ],
)
def test_thinking(model: str, effort: str | None, expected: Any) -> None:
    assert thinking(model, reasoning_effort=effort) == expected


def test_thinking_in_tokens() -> None:
    asked = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    assert thinking("gemini-2.5-flash", **asked) == {"thinkingBudget": 2000, "includeThoughts": True}
    assert thinking("gemini-3.5-flash", **asked) == {"thinkingBudget": 2000, "includeThoughts": True}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tool_choice(choice: Any, expected: Any) -> None:
    body = write(tools=[{"type": "function", "function": {"name": "f"}}], tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": expected}


@pytest.mark.parametrize(
    ("model", "config", "expected"),
    [
        ("gemini-2.5-flash", {"gemini_version": "v1"}, "v1beta"),
        ("gemini-1.5-pro", {"gemini_version": "v1"}, "v1beta"),
        ("gemini-4-argon", {}, "v1beta"),
        ("gemini-pro", {"gemini_version": "v1"}, "v1"),
        ("gemini-2.5-flash", {"gemini_version": "v1alpha"}, "v1alpha"),
        ("gemini-2.5-flash", {"gemini_version": "v1", "api_version": "v1"}, "v1"),
    ],
)
def test_api_version(model: str, config: dict[str, str], expected: str) -> None:
    fields = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    body = msgspec.json.encode(fields)
    request = ClientRequest(
        Dialect.OPENAI, Operation.CHAT, "/v1/chat/completions", "", body, model, False, {}
    )
    sent = provider_for(24).build(request, Route(1, 24, "https://g", "k", config, model, None))
    assert sent.url == f"https://g/{expected}/models/{model}:generateContent"


@pytest.mark.parametrize("model", ["gemini-pro", "gemma-3-27b-it"])
def test_models_without_system_instructions_hear_them_from_the_user(model: str) -> None:
    body = write(model, messages=[{"role": "system", "content": "S"}, {"role": "user", "content": "U"}])
    assert "systemInstruction" not in body
    assert body["contents"] == [{"role": "user", "parts": [{"text": "S"}, {"text": "U"}]}]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/a.png"}}]}]},
            "image_url",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_named(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConversionError, match=complaint):
        write(**fields)


def test_key_of_no_use_is_401_and_waiting_times_are_read() -> None:
    gemini = provider_for(24)
    bad_key = b'[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]'
    failure = gemini.classify(400, {}, bad_key, True)
    assert failure is not None
    assert (failure.status, failure.type, failure.code) == (401, "INVALID_ARGUMENT", "API_KEY_INVALID")
    busy = b'{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}'
    failure = gemini.classify(429, {}, busy, False)
    assert failure is not None
    assert (failure.status, failure.message, failure.retry_after_s) == (429, "Quota exceeded", 34.5)
    assert gemini.classify(200, {}, b'{"candidates":[]}', False) is None
