"""The fast path: bytes as they came, read only where the bill needs it."""

import json
from typing import Any

import pytest

from oneapi_app.convert.base import Failure, StreamEnd
from oneapi_app.convert.passthrough import Passthrough, Verbatim
from oneapi_app.errors import UpstreamProtocolError


def chunk(delta: dict[str, Any] | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": None}]
    return (
        b"data: " + json.dumps({"id": "c", "choices": choices, **more}, ensure_ascii=False).encode() + b"\n\n"
    )


def run(*pieces: bytes, chat: bool = True) -> tuple[bytes, Passthrough]:
    converter = Passthrough(chat=chat)
    frames = b"".join(converter.feed(piece) for piece in pieces)
    return frames + converter.close(StreamEnd.COMPLETE), converter


def test_frames_go_through_byte_for_byte() -> None:
    frame = b'data: {"choices":[ {"delta":{"content":"a\xe2\x80\xa8b"}}],  "x":1.0}\n\n'
    converter = Passthrough(chat=True)
    assert converter.feed(frame) is frame
    assert converter.has_content


def test_done_is_added_once() -> None:
    for tail in (b"", b"data: [DONE]\n\n", b"data: [DONE]", b"data:[DONE]\r\n\r\n"):
        frames, _ = run(chunk({"content": "x"}) + tail)
        assert frames == chunk({"content": "x"}) + b"data: [DONE]\n\n"


def test_forms_of_event_streams() -> None:
    data = b'{"choices":[{"delta":{"content":"x"}}]}'
    expected = b"data: " + data + b"\n\ndata: [DONE]\n\n"
    for sent in (
        b"data:%b\n\n",
        b"data: %b\r\n\r\n",
        b": hi\n\nevent: m\ndata: %b\n\n",
        b"data: %b",
        b"\xef\xbb\xbfdata: %b\n\n",
    ):
        frames, _ = run(sent % data)
        assert frames == expected, sent


def test_a_megabyte_in_one_frame() -> None:
    frame = chunk({"content": "x" * (1 << 20)})
    frames, converter = run(*(frame[i : i + 65536] for i in range(0, len(frame), 65536)))
    assert frames == frame + b"data: [DONE]\n\n"
    assert len(converter.output_text()) == 1 << 20


def test_chunks_that_say_nothing_are_dropped_from_chats_only() -> None:
    empty = chunk(prompt_filter_results=[])
    frames, _ = run(empty, chunk({"content": "x"}), chunk(usage=None))
    assert frames == chunk({"content": "x"}) + b"data: [DONE]\n\n"
    frames, _ = run(empty, chat=False)
    assert frames.startswith(empty)


def test_usage_is_read_and_its_chunk_passed() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    frames, converter = run(chunk({"content": "x"}), chunk(usage=usage))
    assert chunk(usage=usage) in frames
    assert converter.usage is not None
    assert converter.usage.prompt_tokens == 100
    assert converter.usage.cache_read_tokens == 80
    assert converter.usage.reasoning_tokens == 5


@pytest.mark.parametrize(
    "usage", [{}, None, {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": "x"}]
)
def test_usage_that_says_nothing_is_none(usage: Any) -> None:
    _, converter = run(chunk({"content": "Hello"}, usage=usage))
    assert converter.usage is None
    assert converter.output_text() == "Hello"


def test_delivered_text_counts_everything_written() -> None:
    call = {"index": 0, "function": {"name": "f", "arguments": '{"a":1}'}}
    _, converter = run(
        chunk({"role": "assistant"}),
        chunk({"reasoning_content": "hm "}),
        chunk({"content": "yes "}),
        chunk({"tool_calls": [call]}),
    )
    assert converter.output_text() == 'hm yes f{"a":1}'


def test_memory_of_long_streams_holds_text_only() -> None:
    converter = Passthrough(chat=True)
    for _ in range(1000):
        converter.feed(chunk({"content": "ab"}))
    assert len(converter._frames) < 256
    assert converter.output_text() == "ab" * 1000


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        ({"message": "busy", "code": 503, "type": "t"}, 503, "busy"),
        ({"message": "busy", "code": "overloaded"}, 502, "busy"),
        ("busy", 502, "busy"),
    ],
)
def test_error_before_content_fails_the_attempt(error: Any, status: int, message: str) -> None:
    frames, converter = run(b"data: " + json.dumps({"error": error}).encode() + b"\n\n")
    assert frames == b""
    assert converter.failure is not None
    assert (converter.failure.status, converter.failure.message) == (status, message)


def test_error_after_content_is_passed_on() -> None:
    error = b'data: {"error":{"message":"gone"}}\n\n'
    frames, converter = run(chunk({"content": "x"}), error)
    assert frames == chunk({"content": "x"}) + error + b"data: [DONE]\n\n"
    assert converter.failure is None
    assert converter.cut


def test_empty_stream_fails() -> None:
    for sent in (b"", b": hi\n\n", b"data: [DONE]\n\n", b'data: {"choi'):
        frames, converter = run(sent)
        assert frames == b""
        assert isinstance(converter.failure, Failure)


@pytest.mark.parametrize("end", [StreamEnd.UPSTREAM_BROKE, StreamEnd.IDLE_TIMEOUT])
def test_bad_ends_are_said(end: StreamEnd) -> None:
    converter = Passthrough(chat=True)
    converter.feed(chunk({"content": "x"}))
    error, done, _ = converter.close(end).split(b"\n\n")
    assert json.loads(error[6:])["error"]["code"] == end.value
    assert done == b"data: [DONE]"
    assert converter.cut


def test_half_a_frame_at_the_end_is_not_passed_on() -> None:
    frames, converter = run(chunk({"content": "x"}) + b'data: {"choices":[{"de')
    assert b'{"de' not in frames
    assert frames.endswith(b"data: [DONE]\n\n")
    assert b'"upstream_broke"' in frames
    assert converter.cut


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"5", b'{"a":', b"\xff", b"[" * 100_000])
def test_unary_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        Passthrough(chat=True).convert(body)


def test_unary_answers_are_untouched() -> None:
    converter = Passthrough(chat=True)
    body = b'{"choices":[{"message":{"content":"Hi"}}], "usage":{"prompt_tokens":1,"completion_tokens":2}}'
    assert converter.convert(body) is body
    assert converter.usage is not None
    counted = Passthrough(chat=True)
    counted.convert(b'{"choices":[{"message":{"content":"Hi"}},{"message":{"content":" you"}}]}')
    assert counted.output_text() == "Hi you"


def test_transcriptions() -> None:
    verbatim = Verbatim(spoken=True)
    assert verbatim.convert(b'{"text":"heard"}') == b'{"text":"heard"}'
    assert verbatim.output_text() == "heard"
    plain = Verbatim(spoken=True)
    plain.convert(b"heard\n")
    assert plain.output_text() == "heard\n"


def test_pictures_and_sounds_have_no_text_to_count() -> None:
    verbatim = Verbatim()
    assert verbatim.convert(b"\xff\xf3") == b"\xff\xf3"
    assert verbatim.output_text() == ""
