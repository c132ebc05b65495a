"""The official client libraries read what we write: whole conversations through both ends."""

import json
from typing import Any

import httpx
import openai
import pytest

from oneapi_app.convert.base import StreamEnd
from oneapi_app.wire.anthropic.write_request import write_request
from oneapi_app.wire.openai_chat.read_request import read_request
from tests.providers.golden import Case, cases, stream_bytes, streamed

BY_NAME = {case.name: case for case in cases()}


def client_of(case: Case, answer: dict[str, Any]) -> openai.OpenAI:
    def respond(_request: httpx.Request) -> httpx.Response:
        converter = case.converter(stream=streamed(answer))
        if streamed(answer):
            frames = converter.feed(stream_bytes(answer)) + converter.close(StreamEnd.COMPLETE)
            return httpx.Response(200, content=frames, headers={"content-type": "text/event-stream"})
        return httpx.Response(200, content=converter.convert(json.dumps(answer["upstream"]).encode()))

    transport = httpx.MockTransport(respond)
    return openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=httpx.Client(transport=transport))


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("anthropic/tools", [("weather", {"city": "Oslo"}), ("now", {})]),
        ("gemini/tools", [("weather", {"city": "Oslo"}), ("now", {})]),
        ("ollama/chat", [("now", {"zone": "UTC"}), ("now", {})]),
    ],
)
def test_parallel_calls_arrive_in_openais_own_client(name: str, calls: list[Any]) -> None:
    case = BY_NAME[name]
    client = client_of(case, case.answers[1])
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "x"}]) as stream:
        completion = stream.get_final_completion()
    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    found = [
        (call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []
    ]
    assert found == calls
    assert len({call.id for call in choice.message.tool_calls or []}) == len(calls)


def test_error_after_content_is_raised_by_openais_own_client() -> None:
    case = BY_NAME["anthropic/errors"]
    client = client_of(case, case.answers[1])
    read = ""
    with pytest.raises(openai.APIError, match="Internal server error"):
        for chunk in client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}], stream=True
        ):
            read += chunk.choices[0].delta.content or ""
    assert read == "Hel"


def test_thoughts_come_back_as_they_were() -> None:
    """What a client keeps of an answer, sent again, gives Anthropic its blocks unchanged."""
    case = BY_NAME["anthropic/thinking_budget"]
    unary = case.answers[0]
    message = unary["client"]["choices"][0]["message"]
    fields = {"messages": [{"role": "user", "content": "x"}, message, {"role": "user", "content": "y"}]}
    sent = write_request(read_request(fields, "claude-sonnet-4-5", stream=False))
    assert sent["messages"][1]["content"] == unary["upstream"]["content"]


def test_embeddings_arrive_in_openais_own_client() -> None:
    case = BY_NAME["gemini/embeddings"]
    client = client_of(case, case.answers[1])
    found = client.embeddings.create(model="m", input="a")
    assert found.data[0].embedding == [0.5, -0.25]
    assert found.usage.prompt_tokens == 2
