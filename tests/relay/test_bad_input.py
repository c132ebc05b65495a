"""Whatever is sent to /v1: an answer, or a 4xx in OpenAI's form with the request id. Never a 500, nothing half-written."""

import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.relay.stage import CHAT, HELLO, KEY, Caller, Stage, completion
from tests.support.scripted import Peer, provider

MODELS = {1: "gpt-4o,dall-e-3,tts-1,text-embedding-3-small,whisper-1,text-moderation-stable", 14: "claude-3-5-sonnet",
          24: "gemini-2.5-flash,text-embedding-004", 30: "llama3"}  # fmt: skip
CONVERTED = ("claude-3-5-sonnet", "gemini-2.5-flash", "llama3")
CHAT_MODELS = ("gpt-4o", *CONVERTED)
MB = 1 << 20


async def vendor(peer: Peer) -> None:
    """Content with any chat in OpenAI's words; anything else is its caller's mistake."""
    while True:
        asked = await peer.request()
        if b"/chat/completions" in asked.line:
            with contextlib.suppress(RecursionError, ValueError):
                json.loads(asked.body)
            await peer.answer(completion(), b"Content-Type: application/json")
        else:
            await peer.answer(b'{"error":{"message":"what?"}}', status=400)


@pytest_asyncio.fixture
async def open_relay(relay: Stage) -> AsyncIterator[Stage]:
    async with provider(vendor) as address:
        for number, models in MODELS.items():
            await relay.add_channel(address, models, type=number)
        await relay.add_channel(address, "mapped", model_mapping='{"mapped":"gpt-4o"}')
        yield relay


def judge(answer: Caller) -> None:
    if answer.status == 200:
        return
    assert 400 <= answer.status < 500 or answer.status in (501, 503), (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/json"
    found = answer.error
    assert isinstance(found["type"], str)
    request_id = answer.headers["x-oneapi-request-id"]
    assert found["message"].endswith(f"(request id: {request_id})"), found
    assert "Traceback" not in found["message"]
    if answer.status == 503:
        assert "无可用渠道" in found["message"]


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


def chat_with(member: str) -> bytes:
    """A request whose JSON text has one more member."""
    return b'{"model":"gpt-4o","messages":[{"role":"user","content":"x"}],' + member.encode() + b"}"


RAW: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b"  \n ",
    "null": b"null",
    "a number": b"5",
    "a text": b'"x"',
    "a list": b"[]",
    "an empty object": b"{}",
    "half": b'{"model":"gpt-4o",',
    "two": b'{"model":"gpt-4o"}{}',
    "single quotes": b"{'model':'gpt-4o'}",
    "invalid UTF-8": b'{"model":"gpt-4o","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "UTF-16": '{"model":"gpt-4o"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}',
    "NUL": b"\0",
    "NUL inside": b'{"model":"gpt-4o\0"}',
    "NUL escaped": b'{"model":"gpt-4o\\u0000","messages":[]}',
    "half a surrogate pair": b'{"model":"gpt-4o","messages":[{"role":"user","content":"\\ud800"}]}',
    "a model of 1 MB": b'{"model":"' + b"m" * MB + b'","messages":[]}',
    "NaN": chat_with('"temperature":NaN'),
    "Infinity": chat_with('"temperature":-Infinity'),
    "a huge exponent": chat_with('"temperature":1e999999'),
    "a huge integer": chat_with('"seed":' + "9" * 10_000),
    "huge max_tokens": chat_with('"max_tokens":' + "9" * 400),
    "max_tokens 1e308": chat_with('"max_tokens":1e308'),
    "deep lists": chat_with('"x":' + nested(100_000)),
    "deep objects": chat_with('"x":' + nested(100_000, '{"a":', "}").replace("}", "1}", 1)),
    "deep unclosed": b"[" * 200_000,
    "a form": b"model=gpt-4o&messages=x",
    "the same key twice": b'{"model":"gpt-4o","model":5}',
}


@pytest.mark.parametrize("name", RAW)
async def test_bodies(open_relay: Stage, name: str) -> None:
    for path in (CHAT, "/v1/completions", "/v1/embeddings", "/v1/images/generations", "/v1/audio/speech",
                 "/v1/moderations", "/v1/edits"):  # fmt: skip
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            answer = await open_relay.ask(body=RAW[name], path=path, headers={"content-type": kind})
            judge(answer)
            if name not in ("byte order mark",) and not name.startswith(("a huge", "deep")):
                assert answer.status != 200, (path, kind)


FIELDS: dict[str, Any] = {
    "model": [None, 5, True, [], {}, "", ["gpt-4o"]],
    "messages": [None, "", "x", 5, {}, [], [None], ["x"], [[]], [{}], [{"role": None}], [{"role": 5, "content": {}}],
                 [{"role": "user", "content": 5}], [{"role": "user", "content": [None, 5, {}, {"type": "image_url"}]}],
                 [{"role": "nobody", "content": "x"}], [{"role": "tool", "content": "x"}],
                 [{"role": "assistant", "tool_calls": [{"function": 5}]}],
                 [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{"}}]}],
                 [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}],
                 [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/x"}}]}],
                 [{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png;base64,####"}]}],
                 [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]}],
                 [{"role": "user", "content": "a\0b"}]],
    "max_tokens": [-1, 2**31, 2**30, 0, 1.5, "5", True, [], 10**300],
    "max_completion_tokens": [-1, 2**31, "x", {}, False],
    "n": [-1, 0, 10**9, 1.5, "x", None, []],
    "stream": [1, 0, "true", "", [], {}],
    "temperature": [-5, 1e308, "hot", [], {}],
    "stop": [5, [5], [None], {}, [""] * 100],
    "tools": [5, "x", {}, [5], [{}], [{"type": "function"}], [{"function": {"name": 5}}],
              [{"type": "function", "function": {"name": "f", "parameters": 5}}]],
    "tool_choice": [5, [], {"function": 5}, "sometimes"],
    "response_format": [5, "json", {}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {"schema": 5}}],
    "stream_options": [5, [], {"include_usage": "x"}],
    "reasoning_effort": [5, "enormous", []],
    "seed": [2**70, -1, 1.5, "x"],
    "logit_bias": [5, "x"],
}  # fmt: skip


@pytest.mark.parametrize("model", CHAT_MODELS)
async def test_fields_of_a_chat(open_relay: Stage, model: str) -> None:
    for name, values in FIELDS.items():
        for value in values:
            asked = {"model": model, "messages": HELLO} | {name: value}
            answer = await open_relay.ask(asked)
            judge(answer)


async def test_what_is_refused_is_told(open_relay: Stage) -> None:
    for field, value, message in (
        ("max_tokens", 2**31, "max_tokens is invalid"),
        ("max_tokens", -1, "max_tokens is invalid"),
        ("messages", [], "field messages is required"),
        ("messages", "x", "messages must be a list"),
    ):
        answer = await open_relay.ask({"model": "gpt-4o", "messages": HELLO} | {field: value})
        assert answer.status == 400
        assert answer.error["message"].startswith(message)
        assert (answer.error["type"], answer.error["code"]) == ("one_api_error", "invalid_text_request")
    answer = await open_relay.ask({"model": "claude-3-5-sonnet", "messages": HELLO, "n": 3})
    assert (answer.status, answer.error["code"]) == (400, "convert_request_failed")


MEDIA: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/images/generations", {"model": "dall-e-3"}, "prompt_missing"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": ""}, "prompt_missing"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": 5}, "invalid_image_request"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "size": "1x1"}, "size_not_supported"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "size": ["1x1"]}, "size_not_supported"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "size": {}}, "invalid"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "n": -1}, "n_not_within_range"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "n": 2}, "n_not_within_range"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "n": 10**30}, "n_not_within_range"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "n": 1.5}, "n_not_within_range"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "n": "1"}, "n_not_within_range"),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "quality": [1]}, ""),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x" * 4001}, "prompt_too_long"),
    ("/v1/audio/speech", {"model": "tts-1"}, ""),
    ("/v1/audio/speech", {"model": "tts-1", "input": 5}, "invalid_json"),
    ("/v1/audio/speech", {"model": "tts-1", "input": "x" * 5000}, "text_too_long"),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": None}, ""),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": [[1, "x"], None, {}]}, ""),
    ("/v1/embeddings", {"model": "text-embedding-004", "input": [[1, 2]]}, "convert_request_failed"),
    ("/v1/embeddings", {"model": "text-embedding-004", "input": []}, "convert_request_failed"),
    ("/v1/embeddings", {"model": "text-embedding-004"}, "convert_request_failed"),
    ("/v1/moderations", {"input": ""}, "invalid_text_request"),
    ("/v1/moderations", {"input": {"a": 1}}, ""),
    ("/v1/edits", {"model": "gpt-4o", "input": "x"}, "invalid_text_request"),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x", "max_tokens": 1e300}, "invalid_text_request"),
    ("/v1/completions", {"model": "gpt-4o", "prompt": ""}, "invalid_text_request"),
    ("/v1/completions", {"model": "gpt-4o", "prompt": {"a": [1]}}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("path", "fields", "code"), MEDIA)
async def test_fields_of_other_operations(
    open_relay: Stage, path: str, fields: dict[str, Any], code: str
) -> None:
    answer = await open_relay.ask(fields, path=path)
    judge(answer)
    assert answer.status == 400
    if code and code != "invalid":
        assert answer.error["code"] == code
    assert await open_relay.bills() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/responses", 404),
        ("POST", "/v1/rerank", 404),
        ("GET", "/v1/realtime", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v1/chat/completions", 404),
        ("PUT", "/v1/chat/completions", 404),
        ("POST", "/v1/chat/completions/", 404),
        ("POST", "/v1//chat/completions", 404),
        ("GET", "/v1/models/%00", 200),
        ("GET", "/v1/models/\udcff", 200),
        ("GET", "/v1/models/" + "x" * 10_000, 200),
        ("POST", "/v1/engines//embeddings", 404),
        ("POST", "/v1/threads", 503),
        ("GET", "/v1/files", 503),
        ("DELETE", "/v1/models/x", 503),
        ("POST", "/v1/images/edits", 503),
        ("PATCH", "/v1/files", 404),
    ],
)
async def test_paths(open_relay: Stage, method: str, path: str, status: int) -> None:
    answer = await open_relay.ask(None, method=method, path=path, headers={"origin": "https://page.example"})
    assert answer.status == status
    assert answer.error["message"]
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_only_pages_are_told_that_they_may_read(open_relay: Stage) -> None:
    """As the original's middleware has it."""
    answer = await open_relay.ask(None, method="GET", path="/v1/models")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_websocket_is_refused(open_relay: Stage) -> None:
    """As OpenAI's realtime client opens one."""
    scope = {"type": "websocket", "path": "/v1/realtime", "headers": [], "query_string": b""}
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        said.append(message)

    await open_relay.runtime.relay(scope, receive, send)
    assert said == [{"type": "websocket.close", "code": 1008}]


async def test_what_is_not_implemented_says_so_where_the_model_is_known(open_relay: Stage) -> None:
    answer = await open_relay.ask({"model": "gpt-4o"}, path="/v1/threads")
    assert answer.status == 501
    assert answer.error == {
        "message": "API not implemented", "type": "one_api_error", "param": "", "code": "api_not_implemented",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(json.dumps({"model": "gpt-4o", "messages": HELLO}).encode()), 200),
        (b"no gzip", 400),
        (gzip.compress(b"{}")[:-5], 400),
        (b"", 400),
        (gzip.compress(b" " * (80 * MB)), 413),
        (gzip.compress(gzip.compress(b" " * MB)), 400),
        (zlib.compress(b"{}"), 400),
    ],
    ids=["good", "none", "half", "empty", "bomb", "twice", "zlib"],
)
async def test_gzip(open_relay: Stage, body: bytes, status: int) -> None:
    answer = await open_relay.ask(body=body, headers={"content-encoding": "gzip"})
    assert answer.status == status
    if status != 200:
        assert "request id: " in answer.error["message"]


async def test_bodies_beyond_the_limit(open_relay: Stage) -> None:
    answer = await open_relay.ask(body=b" " * (65 * MB))
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")


async def test_large_requests_pass(open_relay: Stage) -> None:
    """5 MB of prompt, for every dialect."""
    text = "All work and no play makes Jack a dull boy. " * 120_000
    for model in CHAT_MODELS:
        answer = await open_relay.ask({"model": model, "messages": [{"role": "user", "content": text}]})
        assert answer.status == (200 if model == "gpt-4o" else 400)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer sk-", "sk--", "Bearer \xff\xfe", "Basic eDp5", "Bearer sk-" + "x" * 100_000,
     "Bearer sk-' OR 1=1 --", "bearer sk-" + KEY, "Bearer  sk-" + KEY, "Bearer sk-sk-" + KEY],
)  # fmt: skip
async def test_credentials(open_relay: Stage, authorization: str) -> None:
    for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("GET", "/dashboard/billing/usage")):
        answer = await open_relay.ask(
            {"model": "gpt-4o"} if method == "POST" else None,
            method=method,
            path=path,
            headers={"authorization": authorization},
        )
        assert answer.status == 401
        assert "request id: " in answer.error["message"]
        assert answer.error["type"] == "one_api_error"
        assert KEY not in answer.error["message"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["user", "text", "http://[", "data:,"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.sampled_from(["role", "content", "type", "text", "image_url", "url", "function", "name"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from(CHAT_MODELS)},
    optional={"messages": st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "tool", "assistant"]) | ANYTHING, "content": ANYTHING}), max_size=3) | ANYTHING}
    | dict.fromkeys(("max_tokens", "n", "stream", "tools", "tool_choice", "stop", "response_format", "stream_options", "user"), ANYTHING),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(fields=BODIES)
async def test_anything(open_relay: Stage, fields: dict[str, Any]) -> None:
    judge(await open_relay.ask(fields))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(fields=st.dictionaries(st.sampled_from(["model", "prompt", "input", "n", "size", "quality", "voice", "dimensions", "encoding_format"]), ANYTHING | st.sampled_from(["dall-e-3", "tts-1", "text-embedding-004", "gpt-4o", "1024x1024"]), max_size=6),
       path=st.sampled_from(["/v1/images/generations", "/v1/audio/speech", "/v1/embeddings", "/v1/completions", "/v1/moderations", "/v1/engines/gpt-4o/embeddings", "/v1/audio/transcriptions"]))  # fmt: skip
async def test_anything_elsewhere(open_relay: Stage, fields: dict[str, Any], path: str) -> None:
    judge(await open_relay.ask(fields, path=path))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200))
async def test_any_bytes(open_relay: Stage, body: bytes) -> None:
    judge(await open_relay.ask(body=body))


@pytest.mark.parametrize("model", [*CHAT_MODELS, "mapped"])
async def test_what_is_nested_just_deep_enough(open_relay: Stage, model: str) -> None:
    """Read at one depth of the stack, walked and written at another: near the limit either may fail."""
    for depth in range(300, 1000, 7):
        schema = '{"properties":{"a":' * (depth // 2) + "{}" + "}}" * (depth // 2)
        function = '{"name":"f","parameters":' + schema + "}"
        tools = '"tools":[{"type":"function","function":' + function + "}]"
        form = '"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":' + schema + "}}"
        for member in (tools, form):
            judge(await open_relay.ask(body=chat_with(member).replace(b"gpt-4o", model.encode())))
