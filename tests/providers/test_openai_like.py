"""Vendors of OpenAI's format: addresses, keys, and bodies that stay as they are."""

import json
from typing import Any

import pytest

from oneapi_app.providers.base import ClientRequest, Dialect, Operation, Route, UpstreamRequest
from oneapi_app.providers.registry import provider_for

PATHS = {
    Operation.CHAT: "/v1/chat/completions",
    Operation.COMPLETIONS: "/v1/completions",
    Operation.EMBEDDINGS: "/v1/embeddings",
    Operation.IMAGES: "/v1/images/generations",
    Operation.SPEECH: "/v1/audio/speech",
    Operation.TRANSCRIPTION: "/v1/audio/transcriptions",
}


def build(
    number: int,
    operation: Operation = Operation.CHAT,
    *,
    base_url: str = "",
    body: bytes = b'{"model": "m.1",  "new": 1e2}',
    query: str = "",
    headers: dict[bytes, bytes] | None = None,
    config: dict[str, str] | None = None,
    **overrides: Any,
) -> UpstreamRequest:
    provider = provider_for(number)
    fields = json.loads(body) if body.startswith(b"{") else None
    request = ClientRequest(
        dialect=Dialect.OPENAI,
        operation=operation,
        path=PATHS[operation],
        query=query,
        body=body,
        is_json=fields is not None,
        model=(fields or {}).get("model", "m.1"),
        stream=overrides.pop("stream", False),
        headers=headers or {},
        media={},
        enforce_usage=overrides.pop("enforce_usage", False),
    )
    route = Route(
        channel_id=1,
        channel_type=number,
        base_url=base_url or provider.base_url,
        key="sk-1",
        config=config or {},
        model=overrides.pop("model", request.model),
        system_prompt=overrides.pop("system_prompt", None),
    )
    return provider.build(request, route)


@pytest.mark.parametrize(
    ("number", "operation", "base_url", "expected"),
    [
        (1, Operation.CHAT, "", "https://api.openai.com/v1/chat/completions"),
        (1, Operation.EMBEDDINGS, "https://x/", "https://x/v1/embeddings"),
        (1, Operation.CHAT, "https://gateway.ai.cloudflare.com/v1/a/g/openai",
         "https://gateway.ai.cloudflare.com/v1/a/g/openai/chat/completions"),
        (8, Operation.COMPLETIONS, "http://h:1", "http://h:1/v1/completions"),
        (50, Operation.CHAT, "https://x/v3/", "https://x/v3/chat/completions"),
        (51, Operation.EMBEDDINGS, "", "https://generativelanguage.googleapis.com/v1beta/openai/embeddings"),
        (27, Operation.CHAT, "", "https://api.minimax.chat/v1/text/chatcompletion_v2"),
        (40, Operation.CHAT, "", "https://ark.cn-beijing.volces.com/api/v3/chat/completions"),
        (40, Operation.EMBEDDINGS, "", "https://ark.cn-beijing.volces.com/api/v3/embeddings"),
        (41, Operation.CHAT, "", "https://api.novita.ai/v3/openai/chat/completions"),
        (47, Operation.CHAT, "", "https://qianfan.baidubce.com/v2/chat/completions"),
        (49, Operation.CHAT, "", "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"),
        (49, Operation.EMBEDDINGS, "", "https://dashscope.aliyuncs.com/compatible-mode/v1/embeddings"),
        (29, Operation.CHAT, "", "https://api.groq.com/openai/v1/chat/completions"),
        (22, Operation.CHAT, "", "https://fastgpt.run/api/openapi/v1/chat/completions"),
        (3, Operation.CHAT, "https://r.openai.azure.com",
         "https://r.openai.azure.com/openai/deployments/m1/chat/completions?api-version=2024-10-21"),
        (3, Operation.IMAGES, "https://r.openai.azure.com",
         "https://r.openai.azure.com/openai/deployments/m.1/images/generations?api-version=2024-10-21"),
        (3, Operation.TRANSCRIPTION, "https://r.openai.azure.com",
         "https://r.openai.azure.com/openai/deployments/m1/audio/transcriptions?api-version=2024-10-21"),
        (3, Operation.CHAT, "https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/r",
         "https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/r/m1/chat/completions?api-version=2024-10-21"),
    ],
)  # fmt: skip
def test_address(number: int, operation: Operation, base_url: str, expected: str) -> None:
    assert build(number, operation, base_url=base_url).url == expected


def test_query_goes_along_except_to_azure() -> None:
    assert build(1, query="a=1&b=2").url.endswith("/v1/chat/completions?a=1&b=2")
    sent = build(3, base_url="https://r", query="api-version=1", config={"api_version": "2024 06"})
    assert sent.url.endswith("?api-version=2024%2006")


@pytest.mark.parametrize("number", [2, 4, 5, 6, 7, 9, 10, 12, 13, 19, 20, 22, 25, 26, 27, 28, 29, 31, 32])
def test_chat_goes_to_every_compatible_vendor(number: int) -> None:
    sent = build(number)
    assert sent.url.startswith(provider_for(number).base_url)
    assert dict(sent.headers)[b"authorization"] == b"Bearer sk-1"


def test_only_chat_where_the_vendor_has_only_chat() -> None:
    for number in (27, 41, 47):
        assert list(provider_for(number).endpoints) == [Operation.CHAT]


def test_bytes_are_untouched() -> None:
    body = b'{"model":"m.1", "b" : 1.50, "u":"\\u00e9", "messages":[ ]}'
    assert build(1, body=body).body is body
    form = b"--x\r\n\x00\xff"
    sent = build(
        1, Operation.TRANSCRIPTION, body=form, headers={b"content-type": b"multipart/form-data; boundary=x"}
    )
    assert sent.body is form
    assert dict(sent.headers)[b"content-type"] == b"multipart/form-data; boundary=x"


def test_headers_of_the_caller() -> None:
    assert dict(build(1).headers)[b"accept"] == b"*/*"
    assert dict(build(1, stream=True).headers)[b"accept"] == b"text/event-stream"
    given = {b"accept": b"application/json", b"anthropic-version": b"2023-06-01"}
    assert dict(build(1, headers=given).headers)[b"accept"] == b"application/json"
    assert b"anthropic-version" not in dict(build(1, headers=given).headers)
    azure = dict(build(3, base_url="https://r").headers)
    assert azure[b"api-key"] == b"sk-1"
    assert b"authorization" not in azure
    assert dict(build(20).headers)[b"x-title"] == b"One API"


def test_usage_is_only_asked_for_where_enforced() -> None:
    body = b'{"model":"m.1","stream":true,"stream_options":{"extra":1}}'
    assert build(1, body=body, stream=True).body is body
    enforced = json.loads(build(1, body=body, stream=True, enforce_usage=True).body)
    assert enforced["stream_options"] == {"extra": 1, "include_usage": True}
    asked = b'{"model":"m.1","stream":true,"stream_options":{"include_usage":true}}'
    assert build(1, body=asked, stream=True, enforce_usage=True).body is asked


def test_system_prompt_of_the_channel() -> None:
    without = b'{"model":"m.1","messages":[{"role":"user","content":"Hi"}]}'
    sent = json.loads(build(1, body=without, system_prompt="Ours").body)
    assert sent["messages"][0] == {"role": "system", "content": "Ours"}
    assert len(sent["messages"]) == 2
    assert build(1, body=b'{"model":"m.1"}', system_prompt="Ours").body == b'{"model":"m.1"}'


def test_model_in_the_path_goes_into_the_body() -> None:
    sent = build(1, Operation.EMBEDDINGS, body=b'{"input":"x"}')
    assert json.loads(sent.body) == {"input": "x", "model": "m.1"}


def test_quirks_touch_nothing_else() -> None:
    plain = b'{"model":"m.1", "messages":[{"role":"user","content":"x"}]}'
    for number in (28, 29, 36):
        assert build(number, body=plain).body is plain
    sent = json.loads(build(29, body=b'{"model":"m.1","logprobs":true,"n":1}').body)
    assert sent == {"model": "m.1", "n": 1}
