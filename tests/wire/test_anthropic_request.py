"""Corners of writing Messages calls that no recorded conversation shows."""

from typing import Any

import pytest
from anthropic.lib._parse._transform import transform_schema

from oneapi_app.errors import ConversionError
from oneapi_app.wire.anthropic.output_schema import accepted_schema
from oneapi_app.wire.anthropic.write_request import write_request
from oneapi_app.wire.openai_chat.read_request import read_request
from tests.providers.vendor_types import judge_anthropic


def write(model: str = "claude-sonnet-4-5", **fields: Any) -> dict[str, Any]:
    fields.setdefault("messages", [{"role": "user", "content": "Hi"}])
    body = write_request(read_request(fields, model, stream=False))
    judge_anthropic(body)
    return body


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("any", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        ("nonsense", None),
        (None, None),
    ],
)
def test_tool_choice(choice: Any, expected: Any) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert write(tools=tools, tool_choice=choice).get("tool_choice") == expected
    assert "tool_choice" not in write(tool_choice="required")


def test_thinking_budget_stays_below_the_limit() -> None:
    assert write(reasoning_effort="high", max_tokens=2000)["thinking"]["budget_tokens"] == 1600
    assert write(reasoning_effort="low", max_tokens=1100)["thinking"]["budget_tokens"] == 1024
    assert "thinking" not in write(reasoning_effort="high", max_tokens=1024)
    assert write(reasoning_effort="high")["thinking"]["budget_tokens"] == 25_600
    explicit = write(thinking={"type": "enabled", "budget_tokens": 5000}, max_tokens=9000)
    assert explicit["thinking"] == {"type": "enabled", "budget_tokens": 5000}
    assert "thinking" not in write("claude-3-5-haiku-latest", reasoning_effort="high")


def test_no_thinking_in_the_middle_of_calls_whose_thoughts_are_lost() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]
    assert "thinking" not in write(messages=messages, reasoning_effort="high")
    closed = [*messages, {"role": "assistant", "content": "One."}, {"role": "user", "content": "And?"}]
    assert "thinking" in write(messages=closed, reasoning_effort="high")
    assert "thinking" in write("claude-opus-4-8", messages=messages, reasoning_effort="high")


def test_no_thinking_with_a_forced_call() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    forced = {"tools": tools, "tool_choice": "required", "reasoning_effort": "high"}
    assert "thinking" not in write(**forced)
    newer = write("claude-opus-4-8", **forced)
    assert "thinking" not in newer
    assert newer["output_config"] == {"effort": "high"}


@pytest.mark.parametrize(
    ("effort", "model", "expected"),
    [
        ("minimal", "claude-opus-4-8", "low"),
        ("xhigh", "claude-opus-4-8", "xhigh"),
        ("xhigh", "claude-opus-4-6", "high"),
        ("max", "claude-opus-4-6", "max"),
        ("odd", "claude-opus-4-6", "low"),
        ("none", "claude-opus-5-5", "low"),
    ],
)
def test_effort(effort: str, model: str, expected: str) -> None:
    assert write(model, reasoning_effort=effort)["output_config"]["effort"] == expected


def test_ways_of_not_thinking() -> None:
    assert write("claude-sonnet-5", reasoning_effort="none")["thinking"] == {"type": "disabled"}
    assert write("claude-sonnet-5-5", thinking={"type": "disabled"})["thinking"] == {"type": "between_tools"}
    assert "thinking" not in write("claude-sonnet-4-5", reasoning_effort="none")


def test_temperature_and_top_p() -> None:
    both = {"temperature": 1.7, "top_p": 0.5, "top_k": 3}
    assert (
        write("claude-3-opus-20240229", **both).items()
        >= {"temperature": 1.0, "top_p": 0.5, "top_k": 3}.items()
    )
    assert write("claude-sonnet-4-5", **both).keys() & both.keys() == {"temperature", "top_k"}
    assert write("claude-sonnet-4-5", top_p=0.5)["top_p"] == 0.5
    assert not write("claude-opus-4-8", **both).keys() & both.keys()


def test_arguments_that_are_no_object_are_kept() -> None:
    def sent(arguments: str) -> Any:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
        messages = [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [call]}]
        return write(messages=messages)["messages"][1]["content"][0]["input"]

    assert sent('{"a": 1}') == {"a": 1}
    assert sent("") == {}
    assert sent("[1]") == {"arguments": [1]}
    assert sent('{"a": ') == {"arguments": '{"a": '}


def test_empty_texts_are_left_out() -> None:
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": " "},
        {"role": "user", "content": "y"},
    ]
    sent = write(messages=messages)["messages"]
    assert sent == [
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}
    ]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"n": 2}, "n:"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": [{"type": "video", "video": 1}]}]}, "video"),
        ({"messages": [{"role": "user", "content": 5.5}]}, "content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}, "image_url"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}, "file"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]},
            "audio",
        ),
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"tools": "x"}, "tools"),
        ({"messages": "x"}, "messages"),
        ({"temperature": "warm"}, "temperature"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": [1]}}]}, "parameters"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_named(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConversionError, match=complaint):
        write(**fields)


@pytest.mark.parametrize("depth", [100, 300, 900])
def test_deep_schemas_are_sent_or_refused(depth: int) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    try:
        write(response_format=wanted)
    except ConversionError as error:
        assert "deeply" in str(error)


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]},
    {"type": "array", "items": {"type": "string", "format": "email"}, "minItems": 1},
    {"anyOf": [{"type": "string"}, {"type": "null"}]},
    {"oneOf": [{"type": "string"}, {"type": "object", "properties": {}}]},
    {"$defs": {"n": {"type": "number", "maximum": 3}}, "type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}},
    {"type": "object", "additionalProperties": True, "properties": {"e": {"enum": ["x", "y"], "description": "d"}}},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
def test_schemas_as_anthropics_own_library_trims_them(schema: dict[str, Any]) -> None:
    def without_words(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without_words(v) for k, v in value.items() if k != "description"}
        return [without_words(v) for v in value] if isinstance(value, list) else value

    assert without_words(accepted_schema(schema)) == without_words(transform_schema(schema))


def test_what_a_schema_loses_is_said_in_words() -> None:
    assert accepted_schema({"type": "integer", "minimum": 1})["description"] == "{minimum: 1}"
