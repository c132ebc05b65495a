"""Recorded conversations with a vendor: what a caller sends, what we make of it, what comes back, what the caller gets.

A case is a JSON file in the vendor's directory. ``python -m tests.providers.golden NAME`` fills in what we send and
answer today; look at the difference before committing it.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from oneapi_app.convert.base import Converter, StreamEnd
from oneapi_app.providers import translation
from oneapi_app.providers.base import (
    ClientRequest,
    Dialect,
    Media,
    Operation,
    Provider,
    Route,
    UpstreamRequest,
)
from oneapi_app.providers.registry import providers

HERE = Path(__file__).parent
OPERATIONS = {
    "/v1/chat/completions": Operation.CHAT,
    "/v1/completions": Operation.COMPLETIONS,
    "/v1/embeddings": Operation.EMBEDDINGS,
}
ID = "0123456789abcdef0123456789abcdef"
NOW = 1_750_000_000


@dataclass
class Case:
    """``answers``: each with ``upstream`` (JSON, or the lines of a stream) and what the ``client`` gets."""

    path: Path
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def provider(self) -> Provider:
        slug = self.path.parent.name
        return next(p for p in providers().values() if p.slug == slug)

    @property
    def answers(self) -> list[dict[str, Any]]:
        return self.content.get("answers", [])

    def request(self, *, stream: bool | None = None) -> ClientRequest:
        client = self.content["client"]
        fields: dict[str, Any] = dict(client["json"])
        if stream is not None:
            fields["stream"] = stream
        path = client.get("path", "/v1/chat/completions")
        return ClientRequest(
            dialect=Dialect.OPENAI,
            operation=OPERATIONS[path],
            path=path,
            query=client.get("query", ""),
            body=msgspec.json.encode(fields),
            is_json=True,
            model=fields["model"],
            stream=fields.get("stream", False),
            headers={k.encode(): v.encode() for k, v in client.get("headers", {}).items()},
            media={
                url: Media(entry["media_type"], entry["data"].encode())
                for url, entry in client.get("media", {}).items()
            },
            enforce_usage=client.get("enforce_usage", False),
        )

    def route(self) -> Route:
        route = self.content.get("route", {})
        provider = self.provider
        return Route(
            channel_id=1,
            channel_type=provider.id,
            base_url=route.get("base_url") or provider.base_url,
            key="sk-key",
            config=route.get("config", {}),
            model=route.get("model") or self.content["client"]["json"]["model"],
            system_prompt=route.get("system_prompt"),
        )

    def build(self) -> UpstreamRequest:
        return self.provider.build(self.request(), self.route())

    def converter(self, *, stream: bool) -> Converter:
        with (
            mock.patch.object(translation, "hex32", return_value=ID),
            mock.patch.object(translation, "now_s", return_value=NOW),
        ):
            return self.provider.converter(self.request(stream=stream), self.route())


def cases() -> list[Case]:
    files = sorted(HERE.glob("*/*.json"))
    return [Case(path, json.loads(path.read_text(encoding="utf-8"))) for path in files]


def stream_bytes(answer: dict[str, Any]) -> bytes:
    """The vendor's stream as it comes from the network."""
    return ("\n".join(answer["upstream"]) + "\n").encode()


def streamed(answer: dict[str, Any]) -> bool:
    return isinstance(answer["upstream"], list)


def events_of(frames: bytes) -> Iterator[Any]:
    """What a caller reads from our frames; fails where they are no valid event stream."""
    if not frames:
        return
    assert frames.endswith(b"\n\n")
    for frame in frames[:-2].split(b"\n\n"):
        assert frame.startswith(b"data: "), frame
        data = frame[6:]
        yield "[DONE]" if data == b"[DONE]" else json.loads(data)


def answer_now(case: Case, answer: dict[str, Any]) -> Any:
    """What the caller gets for a recorded answer: JSON, the events of a stream, or why it failed."""
    is_stream = streamed(answer)
    converter = case.converter(stream=is_stream)
    if is_stream:
        frames = converter.feed(stream_bytes(answer)) + converter.close(
            StreamEnd[answer.get("end", "COMPLETE")]
        )
        given: Any = list(events_of(frames))
    else:
        body = converter.convert(msgspec.json.encode(answer["upstream"]))
        given = json.loads(body) if body else None
    result = {"client": given}
    if converter.failure is not None:
        failure = converter.failure
        result["failure"] = {"status": failure.status, "message": failure.message, "type": failure.type}
    usage = converter.usage
    result["usage"] = msgspec.to_builtins(usage) if usage is not None else None
    return result


def sent_now(case: Case) -> dict[str, Any]:
    upstream = case.build()
    return {
        "method": upstream.method,
        "url": upstream.url,
        "headers": {name.decode(): value.decode() for name, value in upstream.headers},
        "json": json.loads(upstream.body),
    }


def _rewrite(names: list[str]) -> None:
    for case in cases():
        if case.name not in names and case.path.parent.name not in names:
            continue
        case.content["upstream"] = sent_now(case)
        for answer in case.answers:
            answer.pop("failure", None)
            answer |= answer_now(case, answer)
        case.path.write_text(_laid_out(case.content) + "\n", encoding="utf-8")


def _laid_out(value: Any, depth: int = 0) -> str:
    """JSON with one line for what fits into one, so that a difference is easy to read."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + depth <= 118 or not isinstance(value, dict | list):
        return line
    inner, outer = " " * (depth + 1), " " * depth
    if isinstance(value, list):
        parts = [inner + _laid_out(item, depth + 1) for item in value]
        return "[\n" + ",\n".join(parts) + f"\n{outer}]"
    parts = [f"{inner}{json.dumps(key)}: {_laid_out(item, depth + 1)}" for key, item in value.items()]
    return "{\n" + ",\n".join(parts) + f"\n{outer}}}"


if __name__ == "__main__":
    _rewrite(sys.argv[1:])
