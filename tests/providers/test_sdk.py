"""OpenAI's own client on one side, vendors that check what they are sent on the other, the running gateway between."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.providers.vendors import (
    ANSWER,
    CALLS,
    CUT,
    SIGNATURE,
    SPEECH,
    THOUGHT,
    Vendors,
    running_vendors,
)
from tests.support.databases import Databases
from tests.support.gateway import running_gateway

ACCESS = "0123456789abcdef0123456789abcdef"
TOKEN = "b" * 48
OPENAI_MODELS = (
    "gpt-3.5-turbo-instruct,text-embedding-3-small,dall-e-3,tts-1,whisper-1,text-moderation-stable"
)
CHANNELS = {
    1: OPENAI_MODELS,
    14: "claude-sonnet-4-5",
    24: "gemini-2.5-flash,text-embedding-004",
    30: "qwen3,nomic-embed-text",
}
CLAUDE, GEMINI, OLLAMA = CONVERTED = ("claude-sonnet-4-5", "gemini-2.5-flash", "qwen3")
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city"],
            },
        },
    },
    {"type": "function", "function": {"name": "now"}},
]
QUESTION: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Weather in Paris and 東京?"},
            {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
        ],
    },
]


class Report(BaseModel):
    city: str
    degrees: int


@pytest.fixture(scope="module")
def gateway(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    start = {
        "INITIAL_ROOT_PASSWORD": "long enough",
        "INITIAL_ROOT_TOKEN": TOKEN,
        "INITIAL_ROOT_ACCESS_TOKEN": ACCESS,
    }
    directory = tmp_path_factory.mktemp("gateway")
    with (
        databases.fresh() as settings,
        running_vendors() as vendors,
        running_gateway(directory, settings, **start) as address,
    ):
        for kind, models in CHANNELS.items():
            channel = {"type": kind, "name": str(kind), "key": "k", "base_url": vendors, "models": models, "group": "default"}  # fmt: skip
            made = httpx.post(f"{address}/api/channel/", json=channel, headers={"authorization": ACCESS})
            assert made.json()["success"], made.text
        yield address


@pytest.fixture
def client(gateway: str) -> openai.OpenAI:
    Vendors.seen.clear()
    return openai.OpenAI(api_key=f"sk-{TOKEN}", base_url=f"{gateway}/v1", max_retries=0, timeout=20)


def asked() -> dict[str, Any]:
    """The body of the last request a vendor got."""
    return Vendors.seen[-1][1]


def latest_row(gateway: str, model: str) -> dict[str, Any]:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        found = httpx.get(f"{gateway}/api/log/?p=0&model_name={model}", headers={"authorization": ACCESS})
        if rows := found.json()["data"]:
            return rows[0]
        time.sleep(0.05)
    raise AssertionError("no log row")


def chat(client: openai.OpenAI, streamed: bool, **fields: Any) -> Any:
    """The whole completion, as the client puts it together."""
    if not streamed:
        return client.chat.completions.create(**fields)
    with client.chat.completions.stream(stream_options={"include_usage": True}, **fields) as stream:
        return stream.get_final_completion()


both = pytest.mark.parametrize("streamed", [False, True], ids=["unary", "streamed"])
every = pytest.mark.parametrize("model", CONVERTED)


@both
@every
def test_a_conversation_with_tools(gateway: str, client: openai.OpenAI, model: str, streamed: bool) -> None:
    completion = chat(client, streamed, model=model, messages=QUESTION, tools=TOOLS)
    (choice,) = completion.choices
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls
    assert [call.function.name for call in calls] == ["weather", "weather"]
    assert [json.loads(call.function.arguments) for call in calls] == [given for _, given in CALLS]
    assert len({call.id for call in calls}) == 2
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (124, 30)
    if model != OLLAMA:
        assert completion.usage.prompt_tokens_details.cached_tokens == 100
    # The answer goes back as the client keeps it, the results behind it.
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"sunny {number}"}
        for number, call in enumerate(calls)
    ]
    kept = choice.message.model_dump(exclude_none=True, exclude={"parsed"})
    for call in kept["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    final = chat(client, streamed, model=model, messages=[*QUESTION, kept, *results], tools=TOOLS)
    assert final.choices[0].message.content == ANSWER
    assert final.choices[0].finish_reason == "stop"
    row = latest_row(gateway, model)
    assert (row["prompt_tokens"], row["completion_tokens"], row["is_stream"]) == (124, 30, streamed)
    sent = asked()
    if model == CLAUDE:
        assert sent["system"] == [{"type": "text", "text": "Be brief."}]
        assert [part["type"] for part in sent["messages"][0]["content"]] == ["text", "image"]
        assert [part["tool_use_id"] for part in sent["messages"][2]["content"]] == ["toolu_0", "toolu_1"]
        assert "required" in sent["tools"][0]["input_schema"]
    elif model == GEMINI:
        assert sent["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
        assert [list(part) for part in sent["contents"][0]["parts"]] == [["text"], ["inlineData"]]
        assert sent["contents"][1]["parts"][0]["thoughtSignature"] == SIGNATURE
        assert [p["functionResponse"]["name"] for p in sent["contents"][2]["parts"]] == ["weather", "weather"]
    else:
        assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
        assert sent["messages"][1]["images"] == [PICTURE.partition(",")[2]]
        assert [message["role"] for message in sent["messages"][2:]] == ["assistant", "tool", "tool"]


@every
def test_arguments_are_streamed_as_they_come(client: openai.OpenAI, model: str) -> None:
    fragments: dict[int, str] = {}
    ids: dict[int, str] = {}
    reasons: list[str] = []
    stream = client.chat.completions.create(model=model, messages=QUESTION, tools=TOOLS, stream=True)
    for chunk in stream:
        assert chunk.object == "chat.completion.chunk"
        for choice in chunk.choices:
            reasons += [choice.finish_reason] if choice.finish_reason else []
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                if call.id:
                    ids[call.index] = call.id
                    assert call.function.name == "weather"
                fragments[call.index] = fragments.get(call.index, "") + (call.function.arguments or "")
    assert sorted(fragments) == sorted(ids) == [0, 1]
    assert reasons == ["tool_calls"]
    assert "Paris" in fragments[0]
    assert "東京" in fragments[1]


@every
@pytest.mark.parametrize(
    "choice", ["none", "required", {"type": "function", "function": {"name": "weather"}}]
)
def test_tool_choice(client: openai.OpenAI, model: str, choice: Any) -> None:
    completion = client.chat.completions.create(
        model=model, messages=QUESTION, tools=TOOLS, tool_choice=choice
    )
    if choice == "none" and model != OLLAMA:
        assert completion.choices[0].message.content == ANSWER
    elif choice != "none":
        assert completion.choices[0].message.tool_calls


@both
@every
def test_thoughts(client: openai.OpenAI, model: str, streamed: bool) -> None:
    completion = chat(client, streamed, model=model, messages=QUESTION, reasoning_effort="medium")
    message = completion.choices[0].message
    assert message.content == ANSWER
    assert message.reasoning_content == THOUGHT
    if model == CLAUDE:
        assert message.reasoning_details[0]["signature"] == SIGNATURE
        # Handed back, they reach the vendor with their proof.
        kept = message.model_dump(exclude_none=True, exclude={"parsed"})
        chat(
            client, streamed, model=model, messages=[*QUESTION, kept, QUESTION[1]], reasoning_effort="medium"
        )
        assert asked()["messages"][1]["content"][0] == {
            "type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE,
        }  # fmt: skip


@both
@every
def test_structured_output(client: openai.OpenAI, model: str, streamed: bool) -> None:
    if streamed:
        with client.chat.completions.stream(model=model, messages=QUESTION, response_format=Report) as stream:
            completion: Any = stream.get_final_completion()
    else:
        completion = client.chat.completions.parse(model=model, messages=QUESTION, response_format=Report)
    assert completion.choices[0].message.parsed == Report(city="Paris", degrees=21)


@both
@every
def test_an_answer_that_was_too_long(client: openai.OpenAI, model: str, streamed: bool) -> None:
    fields = {"model": model, "messages": QUESTION, "max_tokens": 5, "stop": ["END"], "temperature": 0.5}
    if streamed:
        chunks = list(client.chat.completions.create(stream=True, **fields))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        reasons = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
        assert (text, reasons) == (CUT, ["length"])
    else:
        (choice,) = client.chat.completions.create(**fields).choices
        assert (choice.message.content, choice.finish_reason) == (CUT, "length")
    sent = asked()
    if model == CLAUDE:
        assert (sent["max_tokens"], sent["stop_sequences"], sent["temperature"]) == (5, ["END"], 0.5)
    elif model == GEMINI:
        assert sent["generationConfig"] == {
            "temperature": 0.5,
            "maxOutputTokens": 5,
            "stopSequences": ["END"],
        }
    else:
        assert sent["options"] == {"num_predict": 5, "stop": ["END"], "temperature": 0.5}


@every
def test_usage_only_where_it_is_asked_for(client: openai.OpenAI, model: str) -> None:
    chunks = list(client.chat.completions.create(model=model, messages=QUESTION, stream=True))
    assert all(chunk.usage is None for chunk in chunks)
    chunks = list(
        client.chat.completions.create(
            model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
    )
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("text-embedding-004", None), ("nomic-embed-text", 6), ("text-embedding-3-small", 5)],
)
@pytest.mark.parametrize("texts", ["one", ["one", "two"]])
def test_embeddings(client: openai.OpenAI, gateway: str, model: str, tokens: int | None, texts: Any) -> None:
    found = client.embeddings.create(model=model, input=texts)
    assert found.data[0].embedding == [0.25, -0.5]
    if model != "text-embedding-3-small":
        assert len(found.data) == (1 if texts == "one" else 2)
        assert [entry.index for entry in found.data] == list(range(len(found.data)))
    if tokens is not None:
        assert latest_row(gateway, model)["prompt_tokens"] == tokens
    else:
        assert latest_row(gateway, model)["prompt_tokens"] > 0, "Gemini's are not free"
    floats = client.embeddings.create(model=model, input=texts, encoding_format="float")
    assert floats.data[0].embedding == [0.25, -0.5]


def test_legacy_completions(client: openai.OpenAI, gateway: str) -> None:
    fields: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "Weather?"}
    assert client.completions.create(**fields).choices[0].text == ANSWER
    chunks = list(client.completions.create(stream=True, **fields))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == ANSWER
    assert latest_row(gateway, "gpt-3.5-turbo-instruct")["prompt_tokens"] == 8


def test_images(client: openai.OpenAI) -> None:
    found = client.images.generate(model="dall-e-3", prompt="a cat", size="1024x1024", quality="hd")
    assert found.data is not None
    assert found.data[0].b64_json == "aGVsbG8="


def test_speech(client: openai.OpenAI) -> None:
    assert client.audio.speech.create(model="tts-1", voice="alloy", input="hello world").content == SPEECH
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input="hi"
    ) as given:
        assert b"".join(given.iter_bytes()) == SPEECH
        assert given.headers["content-type"] == "audio/mpeg"


def test_transcriptions(client: openai.OpenAI, gateway: str) -> None:
    file = ("a.mp3", SPEECH, "audio/mpeg")
    assert client.audio.transcriptions.create(model="whisper-1", file=file).text == ANSWER
    assert client.audio.translations.create(model="whisper-1", file=file).text == ANSWER
    assert SPEECH in Vendors.seen[-1][1]
    assert latest_row(gateway, "whisper-1")["quota"] == 6 * 15


def test_moderations(client: openai.OpenAI) -> None:
    found = client.moderations.create(input="hello")
    assert not found.results[0].flagged


def test_models(client: openai.OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert listed == {name for names in CHANNELS.values() for name in names.split(",")}
    found = client.models.retrieve("dall-e-3")
    assert (found.id, found.object, found.owned_by) == ("dall-e-3", "model", "openai")
    unknown: Any = client.models.retrieve("nobody")
    assert unknown.error["code"] == "model_not_found"


def test_billing(gateway: str) -> None:
    draft = {"name": "limited", "remain_quota": 10_000_000, "expired_time": -1}
    owner = {"authorization": ACCESS}
    assert httpx.post(f"{gateway}/api/token/", json=draft, headers=owner).json()["success"]
    key = next(t["key"] for t in httpx.get(f"{gateway}/api/token/?p=0", headers=owner).json()["data"] if t["name"] == "limited")  # fmt: skip
    client = openai.OpenAI(api_key=f"sk-{key}", base_url=f"{gateway}/v1")
    headers = {"authorization": f"Bearer sk-{key}"}
    for number, prefix in enumerate(("/v1", ""), start=1):
        client.images.generate(model="dall-e-3", prompt="a cat")
        # 20,000 units at 500,000 a dollar, in cents; and what was there at the beginning.
        used = httpx.get(f"{gateway}{prefix}/dashboard/billing/usage", headers=headers).json()
        assert used == {"object": "list", "total_usage": pytest.approx(4.0 * number)}
        plan = httpx.get(f"{gateway}{prefix}/dashboard/billing/subscription", headers=headers).json()
        assert plan["object"] == "billing_subscription"
        assert plan["hard_limit_usd"] == plan["soft_limit_usd"] == plan["system_hard_limit_usd"] == 20


def test_what_does_not_exist(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client.responses.create(model=CLAUDE, input="x")
    with pytest.raises(openai.APIStatusError) as raised:
        client.post("/threads", body={"model": CLAUDE}, cast_to=object)
    assert raised.value.status_code == 501
    with pytest.raises(openai.InternalServerError, match="do not offer") as raised:
        client.images.generate(model="qwen3", prompt="x")
    assert raised.value.status_code == 501


def test_errors_as_the_client_knows_them(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="field messages is required") as raised:
        client.chat.completions.create(model=CLAUDE, messages=[])
    assert raised.value.code == "invalid_text_request"
    assert "request id: " in raised.value.message
    with pytest.raises(openai.AuthenticationError, match="无效的令牌"):
        client.with_options(api_key="sk-wrong").models.list()
    with pytest.raises(openai.InternalServerError, match="无可用渠道"):
        client.chat.completions.create(model="nobody", messages=QUESTION)
