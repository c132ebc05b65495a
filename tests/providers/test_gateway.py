"""Recorded vendors behind the running gateway: converted, streamed, billed by what they counted."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.providers.golden import cases, stream_bytes
from tests.support.databases import Databases
from tests.support.gateway import running_gateway

ACCESS = "0123456789abcdef0123456789abcdef"
TOKEN = "a" * 48
CASES = {case.name: case for case in cases()}
STREAMS = {
    "claude-opus-4-8": ("anthropic/tools", 1),
    "claude-cut": ("anthropic/errors", 1),
    "claude-overloaded": ("anthropic/errors", 0),
    "gemini-3-flash-preview": ("gemini/tools", 1),
    "qwen3:8b": ("ollama/chat", 1),
}
UNARY = {
    "claude-opus-4-8": ("anthropic/tools", 0),
    "gemini-3-flash-preview": ("gemini/tools", 0),
    "qwen3:8b": ("ollama/chat", 0),
    "text-embedding-004": ("gemini/embeddings", 1),
}
TYPES = {
    14: [m for m in STREAMS if "claude" in m],
    24: ["gemini-3-flash-preview", "text-embedding-004"],
    30: ["qwen3:8b"],
}


class Vendor(BaseHTTPRequestHandler):
    """Answers with the recording of the model it is asked for, in small pieces."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        streamed = body.get("stream") is True or "stream" in self.path
        model = body.get("model") or self.path.split("/models/")[1].split(":")[0]
        name, index = (STREAMS if streamed else UNARY)[model]
        answer = CASES[name].answers[index]
        if not streamed:
            self._send("application/json", [json.dumps(answer["upstream"]).encode()])
            return
        data = stream_bytes(answer)
        kind = "application/x-ndjson" if "/api/" in self.path else "text/event-stream"
        self._send(kind, [data[i : i + 37] for i in range(0, len(data), 37)])

    def _send(self, kind: str, pieces: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def gateway(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    vendor = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    threading.Thread(target=vendor.serve_forever, args=(0.01,), daemon=True).start()
    directory: Path = tmp_path_factory.mktemp("gateway")
    start = {
        "INITIAL_ROOT_PASSWORD": "long enough",
        "INITIAL_ROOT_TOKEN": TOKEN,
        "INITIAL_ROOT_ACCESS_TOKEN": ACCESS,
    }
    with databases.fresh() as settings, running_gateway(directory, settings, **start) as address:
        for kind, models in TYPES.items():
            channel = {
                "type": kind,
                "name": str(kind),
                "key": "k",
                "base_url": f"http://127.0.0.1:{vendor.server_port}",
                "models": ",".join(models),
                "group": "default",
            }
            answer = httpx.post(f"{address}/api/channel/", json=channel, headers={"authorization": ACCESS})
            assert answer.json()["success"], answer.text
        yield address
    vendor.shutdown()


@pytest.fixture
def client(gateway: str) -> openai.OpenAI:
    return openai.OpenAI(api_key=f"sk-{TOKEN}", base_url=f"{gateway}/v1", max_retries=0, timeout=10)


def last_log(gateway: str, model: str) -> dict[str, Any]:
    """The row of the call just made, which is written within two seconds."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        logs = httpx.get(
            f"{gateway}/api/log/?p=0&model_name={model}", headers={"authorization": ACCESS}
        ).json()
        if logs["data"]:
            return logs["data"][0]
        time.sleep(0.1)
    raise AssertionError("no log row")


HELLO: list[Any] = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("model", ["claude-opus-4-8", "gemini-3-flash-preview", "qwen3:8b"])
def test_streamed_calls(gateway: str, client: openai.OpenAI, model: str) -> None:
    with client.chat.completions.stream(
        model=model, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        completion = stream.get_final_completion()
    assert completion.choices[0].finish_reason == "tool_calls"
    assert len(completion.choices[0].message.tool_calls or []) == 2
    assert completion.model == model
    assert completion.usage is not None
    row = last_log(gateway, model)
    assert row["prompt_tokens"] == completion.usage.prompt_tokens
    assert row["completion_tokens"] == completion.usage.completion_tokens


@pytest.mark.parametrize("model", ["claude-opus-4-8", "gemini-3-flash-preview", "qwen3:8b"])
def test_unary_calls(client: openai.OpenAI, model: str) -> None:
    completion = client.chat.completions.create(model=model, messages=HELLO)
    assert completion.choices[0].message.content
    assert completion.usage is not None


def test_embeddings(gateway: str, client: openai.OpenAI) -> None:
    found = client.embeddings.create(model="text-embedding-004", input="a")
    assert found.data[0].embedding == [0.5, -0.25]
    assert last_log(gateway, "text-embedding-004")["prompt_tokens"] == 2


def test_cut_answer_is_billed_by_what_was_delivered(gateway: str, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIError, match="Internal server error"):
        for _ in client.chat.completions.create(model="claude-cut", messages=HELLO, stream=True):
            pass
    row = last_log(gateway, "claude-cut")
    assert row["prompt_tokens"] == 5
    assert row["completion_tokens"] > 0


def test_error_before_content_is_an_http_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="Overloaded") as raised:
        client.chat.completions.create(model="claude-overloaded", messages=HELLO, stream=True)
    assert raised.value.status_code == 529


def test_what_cannot_be_said_is_the_callers_fault(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="one answer per request"):
        client.chat.completions.create(model="claude-opus-4-8", messages=HELLO, n=2)
