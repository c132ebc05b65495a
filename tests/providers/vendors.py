"""Vendors that answer what they are asked, each in its own dialect, and refuse what its own library would not send.

One server plays them all, told apart by path. Whoever is given tools calls two of them; whoever is given their results,
a schema or a wish for thoughts answers to that.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.providers.vendor_types import judge_anthropic, judge_google

Json = dict[str, Any]
CALLS = (("weather", {"city": "Paris", "days": 3}), ("weather", {"city": "東京"}))
THOUGHT = "Two cities, two calls."
SIGNATURE = "c2lnbmVk"
ANSWER = "It is sunny in Paris."
CUT = "It is su"
JSON_ANSWER = '{"city": "Paris", "degrees": 21}'
SPEECH = b"\xff\xf3\x84\xc4 not really an mp3"
PIECE = 7
"""Texts are streamed in pieces of this many characters."""


class Vendors(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, Any]] = []
    """Path and body of every request, oldest first; of a form, its bytes."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        form = self.headers["content-type"].startswith("multipart/")
        body = raw if form else json.loads(raw)
        Vendors.seen.append((self.path, body))
        try:
            self._answer(self.path.partition("?")[0], body)
        except Exception as error:  # what the vendor's own types say of our request
            text = f"{type(error).__name__}: {error}"[:2000]
            self._send(400, "application/json", [json.dumps({"error": {"message": text}}).encode()])

    def _answer(self, path: str, body: Any) -> None:
        if path == "/v1/messages":
            judge_anthropic(body)
            message = anthropic_message(body)
            self._json_or_stream(body.get("stream"), message, anthropic_events(message))
        elif path.endswith(("generateContent", "streamGenerateContent")):
            judge_google(body)
            answer = google_answer(body)
            self._json_or_stream("stream" in path, answer, google_events(answer))
        elif path.endswith("batchEmbedContents"):
            vectors = [{"values": [0.25, -0.5]} for _ in body["requests"]]
            self._json({"embeddings": vectors})
        elif path == "/api/chat":
            judge_ollama(body)
            answer = ollama_answer(body)
            self._json_or_stream(body["stream"], answer, ollama_lines(answer), "application/x-ndjson")
        elif path == "/api/embed":
            vectors = [[0.25, -0.5] for _ in body["input"]]
            self._json({"model": body["model"], "embeddings": vectors, "prompt_eval_count": 6})
        else:
            self._openai(path, body)

    def _openai(self, path: str, body: Any) -> None:
        usage = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
        if path == "/v1/completions":
            choice = {"index": 0, "text": ANSWER, "finish_reason": "stop", "logprobs": None}
            whole = {"id": "c", "object": "text_completion", "created": 1, "model": body["model"]}
            events = [sse({**whole, "choices": [{**choice, "text": piece}]}) for piece in pieces(ANSWER)]
            events.append(sse({**whole, "choices": [], "usage": usage}) + b"data: [DONE]\n\n")
            self._json_or_stream(body.get("stream"), {**whole, "choices": [choice], "usage": usage}, events)
        elif path == "/v1/embeddings":
            # Little-endian 0.25 and -0.5, as asked for by OpenAI's client.
            vector = "AACAPgAAAL8=" if body.get("encoding_format") == "base64" else [0.25, -0.5]
            data = [{"object": "embedding", "index": 0, "embedding": vector}]
            self._json(
                {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 5, "total_tokens": 5}}
            )  # fmt: skip
        elif path == "/v1/images/generations":
            self._json({"created": 1, "data": [{"b64_json": "aGVsbG8="}]})
        elif path == "/v1/audio/speech":
            self._send(200, "audio/mpeg", [SPEECH])
        elif path.startswith("/v1/audio/"):
            self._json({"text": ANSWER})
        elif path == "/v1/moderations":
            names = {"violence": False}
            result = {"flagged": False, "categories": names, "category_scores": {"violence": 0.01}}
            self._json({"id": "m", "model": "text-moderation-007", "results": [result]})
        else:
            self._send(404, "application/json", [b'{"error":{"message":"no such path"}}'])

    def _json(self, answer: Json) -> None:
        self._send(200, "application/json", [json.dumps(answer).encode()])

    def _json_or_stream(
        self, streamed: object, answer: Json, events: list[bytes], kind: str = "text/event-stream"
    ) -> None:
        if streamed:
            self._send(200, kind, events)
        else:
            self._json(answer)

    def _send(self, status: int, kind: str, data: list[bytes]) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def running_vendors() -> Iterator[str]:
    """Their address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendors)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    Vendors.seen.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def sse(data: Json, name: str = "") -> bytes:
    event = f"event: {name}\n".encode() if name else b""
    return event + b"data: " + json.dumps(data).encode() + b"\n\n"


def pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def said(*, limit: int | None, schema: bool) -> tuple[str, bool]:
    """The answer, and whether it was cut."""
    text = JSON_ANSWER if schema else ANSWER
    return (CUT, True) if limit is not None and limit < 8 else (text, False)


# Anthropic


def anthropic_message(body: Json) -> Json:
    content: list[Json] = []
    thinking = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if thinking:
        content.append({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE})
    last = body["messages"][-1]["content"]
    has_results = not isinstance(last, str) and any(part["type"] == "tool_result" for part in last)
    reason = "end_turn"
    if body.get("tools") and not has_results and body.get("tool_choice", {}).get("type") != "none":
        content += [
            {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}
            for number, (name, given) in enumerate(CALLS)
        ]
        reason = "tool_use"
    else:
        schema = "format" in body.get("output_config", {}) or "output_format" in body
        text, cut = said(limit=body["max_tokens"], schema=schema)
        content.append({"type": "text", "text": text})
        reason = "max_tokens" if cut else reason
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reason,
        "usage": {
            "input_tokens": 20,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 4,
            "output_tokens": 30,
        },
    }


def anthropic_events(message: Json) -> list[bytes]:
    start = {**message, "content": [], "stop_reason": None}
    start["usage"] = {**message["usage"], "output_tokens": 1}
    events: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(message["content"]):
        match block["type"]:
            case "text":
                empty: Json = {"type": "text", "text": ""}
                deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
            case "thinking":
                empty = {"type": "thinking", "thinking": "", "signature": ""}
                deltas = [
                    {"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])
                ]
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
            case _:
                empty = {**block, "input": {}}
                text = json.dumps(block["input"], ensure_ascii=False)
                deltas = [
                    {"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces(text))
                ]
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ending, "usage": {"output_tokens": 30}})
    events.append({"type": "message_stop"})
    return [sse(event, event["type"]) for event in events]


# Google


def google_answer(body: Json) -> Json:
    config = body.get("generationConfig", {})
    parts: list[Json] = []
    if config.get("thinkingConfig", {}).get("includeThoughts"):
        parts.append({"text": THOUGHT, "thought": True})
    reason = "STOP"
    has_results = any("functionResponse" in part for part in body["contents"][-1]["parts"])
    mode = body.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode")
    if body.get("tools") and not has_results and mode != "NONE":
        for number, (name, given) in enumerate(CALLS):
            part: Json = {"functionCall": {"name": name, "args": given}}
            parts.append(part | ({"thoughtSignature": SIGNATURE} if number == 0 else {}))
    else:
        text, cut = said(limit=config.get("maxOutputTokens"), schema="responseJsonSchema" in config)
        parts.append({"text": text})
        reason = "MAX_TOKENS" if cut else reason
    return {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": reason}],
        "usageMetadata": {
            "promptTokenCount": 124,
            "cachedContentTokenCount": 100,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 10,
            "totalTokenCount": 154,
        },
        "responseId": "r1",
    }


def google_events(answer: Json) -> list[bytes]:
    (candidate,) = answer["candidates"]
    events: list[bytes] = []
    for part in candidate["content"]["parts"]:
        texts = pieces(part["text"]) if "text" in part else [None]
        for text in texts:
            shown = part if text is None else {**part, "text": text}
            events.append(sse({"candidates": [{"content": {"role": "model", "parts": [shown]}}]}))
    last = {"candidates": [{"finishReason": candidate["finishReason"]}]}
    return [*events, sse({**answer, **last})]


# Ollama


def judge_ollama(body: Json) -> None:
    """https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion"""
    known = {"model", "messages", "tools", "format", "options", "stream", "keep_alive", "think"}
    assert body.keys() <= known, body.keys() - known
    for message in body["messages"]:
        assert message["role"] in ("system", "user", "assistant", "tool")
        assert isinstance(message["content"], str)
        for call in message.get("tool_calls", ()):
            assert isinstance(call["function"]["arguments"], dict)
        for image in message.get("images", ()):
            assert not image.startswith("data:")


def ollama_answer(body: Json) -> Json:
    message: Json = {"role": "assistant", "content": ""}
    if body.get("think"):
        message["thinking"] = THOUGHT
    reason = "stop"
    if body.get("tools") and body["messages"][-1]["role"] != "tool":
        message["tool_calls"] = [{"function": {"name": name, "arguments": given}} for name, given in CALLS]
    else:
        text, cut = said(limit=body.get("options", {}).get("num_predict"), schema=isinstance(body.get("format"), dict))  # fmt: skip
        message["content"] = text
        reason = "length" if cut else reason
    return {
        "model": body["model"],
        "message": message,
        "done": True,
        "done_reason": reason,
        "prompt_eval_count": 124,
        "eval_count": 30,
    }


def ollama_lines(answer: Json) -> list[bytes]:
    message = answer["message"]
    shown = [{"thinking": piece, "content": ""} for piece in pieces(message.get("thinking", ""))]
    shown += [{"content": piece} for piece in pieces(message["content"])]
    shown += [{"content": "", "tool_calls": [call]} for call in message.get("tool_calls", ())]
    lines = [
        {"model": answer["model"], "message": {"role": "assistant", **part}, "done": False} for part in shown
    ]
    lines.append({**answer, "message": {"role": "assistant", "content": ""}})
    return [json.dumps(line).encode() + b"\n" for line in lines]
