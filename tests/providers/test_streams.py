"""What must hold for every recorded stream: any chunking, any cut, and the same mapping as the unary answer."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneapi_app.convert.base import StreamEnd
from oneapi_app.errors import UpstreamProtocolError
from tests.providers import vendor_types
from tests.providers.golden import Case, cases, events_of, stream_bytes, streamed

STREAMS = [(case, answer) for case in cases() for answer in case.answers if streamed(answer)]
CONVERTED = [(case, answer) for case, answer in STREAMS if case.provider.dialect.value != "openai"]


def _name(stream: tuple[Case, dict[str, Any]]) -> str:
    case, answer = stream
    return f"{case.name}-{case.answers.index(answer)}"


NAMES = [_name(stream) for stream in STREAMS]


def end_of(answer: dict[str, Any]) -> StreamEnd:
    return StreamEnd[answer.get("end", "COMPLETE")]


@pytest.mark.parametrize(("case", "answer"), STREAMS, ids=NAMES)
def test_any_chunking_gives_the_same_frames(case: Case, answer: dict[str, Any]) -> None:
    whole = stream_bytes(answer)
    one = case.converter(stream=True)
    expected = one.feed(whole) + one.close(end_of(answer))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, len(whole)), max_size=12))
    def check(cuts: list[int]) -> None:
        converter = case.converter(stream=True)
        frames = b""
        edges = [0, *sorted(cuts), len(whole)]
        for start, stop in pairwise(edges):
            frames += converter.feed(whole[start:stop])
        frames += converter.close(end_of(answer))
        assert frames == expected
        assert converter.usage == one.usage
        assert converter.failure == one.failure
        assert converter.output_text() == one.output_text()

    check()
    bytewise = case.converter(stream=True)
    frames = b"".join(bytewise.feed(whole[i : i + 1]) for i in range(len(whole)))
    assert frames + bytewise.close(end_of(answer)) == expected


@pytest.mark.parametrize("end", [StreamEnd.COMPLETE, StreamEnd.UPSTREAM_BROKE, StreamEnd.IDLE_TIMEOUT])
@pytest.mark.parametrize(("case", "answer"), STREAMS, ids=NAMES)
def test_a_stream_cut_anywhere_is_closed(case: Case, answer: dict[str, Any], end: StreamEnd) -> None:
    whole = stream_bytes(answer)
    for length in range(len(whole)):
        converter = case.converter(stream=True)
        frames = converter.feed(whole[:length])
        frames += converter.close(end)
        if converter.failure is not None:
            assert not converter.has_content
            continue
        events = list(events_of(frames))
        assert events[-1] == "[DONE]"
        assert events.count("[DONE]") == 1
        for event in events[:-1]:
            if isinstance(event, dict) and "error" not in event:
                vendor_types.judge_chunk(event)
        assert converter.close(end) == b"" or case.provider.dialect.value == "openai"


@pytest.mark.parametrize(("case", "answer"), STREAMS, ids=NAMES)
def test_nobody_is_written_to_who_has_left(case: Case, answer: dict[str, Any]) -> None:
    converter = case.converter(stream=True)
    converter.feed(stream_bytes(answer)[: len(stream_bytes(answer)) // 2])
    assert converter.close(StreamEnd.CLIENT_GONE) == b""


@pytest.mark.parametrize(
    "garbage",
    [b"data: {\n\n{\n", b"data: \xff\xfe\n\n\xff\n", b'data: {"type": 1, "candidates": 1}\n\n[1]\n'],
)
@pytest.mark.parametrize(("case", "answer"), CONVERTED, ids=map(_name, CONVERTED))
def test_garbage_after_content_is_reported(case: Case, answer: dict[str, Any], garbage: bytes) -> None:
    lines = stream_bytes(answer).split(b"\n")
    middle = b"\n".join(lines[: len(lines) // 2 // 2 * 2]) + b"\n"
    apart, together = case.converter(stream=True), case.converter(stream=True)
    frames = apart.feed(middle)
    if apart.failure is not None:
        return
    with pytest.raises(UpstreamProtocolError):
        apart.feed(garbage)
        apart.feed(b"")
    try:
        joined = together.feed(middle + garbage)
    except UpstreamProtocolError:
        joined = b""
    assert joined == frames
    assert apart.close(StreamEnd.UPSTREAM_BROKE) == together.close(StreamEnd.UPSTREAM_BROKE)


def _folded(events: list[Any]) -> list[dict[str, Any]]:
    """The messages a client puts together from a stream of chunks."""
    messages: dict[int, dict[str, Any]] = {}
    for event in events:
        for choice in event.get("choices", []):
            message = messages.setdefault(choice["index"], {"finish_reason": None})
            message["finish_reason"] = choice["finish_reason"] or message["finish_reason"]
            for key, value in choice["delta"].items():
                if key == "tool_calls":
                    _add_calls(message.setdefault(key, []), value)
                elif key == "reasoning_details":
                    message.setdefault(key, []).extend(value)
                elif key != "role":
                    message[key] = message.get(key, "") + value
    return [messages[index] for index in sorted(messages)]


def _add_calls(calls: list[dict[str, Any]], pieces: list[dict[str, Any]]) -> None:
    for piece in pieces:
        index = piece.pop("index")
        if index == len(calls):
            calls.append(piece)
        else:
            calls[index]["function"]["arguments"] += piece["function"]["arguments"]


PAIRS = [
    (case, unary, stream)
    for case in cases()
    for unary, stream in zip(case.answers, case.answers[1:], strict=False)
    if case.name in ("gemini/text", "gemini/tools", "anthropic/tools", "anthropic/thinking_budget")
    and not streamed(unary)
    and streamed(stream)
]


@pytest.mark.parametrize(("case", "unary", "stream"), PAIRS, ids=[pair[0].name for pair in PAIRS])
def test_unary_is_the_fold_of_the_stream(case: Case, unary: dict[str, Any], stream: dict[str, Any]) -> None:
    whole = [
        {"finish_reason": choice["finish_reason"], **choice["message"]}
        for choice in unary["client"]["choices"]
    ]
    for message in whole:
        del message["role"], message["refusal"]
        message["content"] = message["content"] or ""
    events = [event for event in stream["client"] if event != "[DONE]"]
    assert _folded(events) == whole
    assert unary["usage"] == stream["usage"]
