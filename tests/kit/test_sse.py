"""The splitter of event streams: equal frames for any chunking, and the odd inputs providers send."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneapi_app.kit.sse import Event, EventSplitter, EventTooLarge


def split(*pieces: bytes, limit: int = 1 << 20) -> list[Event]:
    splitter = EventSplitter(limit)
    events = [event for piece in pieces for event in splitter.feed(piece)]
    return events + splitter.finish()


def simple(*pieces: bytes) -> list[tuple[bytes, bytes]]:
    return [(event.name, event.data) for event in split(*pieces)]


def chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def test_one_whole_frame_is_one_event_at_once():
    frame = b'data: {"a":1}\n\n'
    assert EventSplitter().feed(frame) == [Event(b"", b'{"a":1}', frame)]


def test_names_several_data_lines_comments_and_missing_spaces():
    stream = b":hello\nevent: delta\nid: 7\ndata:one\ndata:  two\ndata\nretry: 5\n\n"
    assert split(stream) == [Event(b"delta", b"one\n two\n", stream)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end(end: bytes):
    lines = [b"event: a", b"data: 1", b"", b"data: 2", b"data: 3", b"", b""]
    assert simple(end.join(lines)) == [(b"a", b"1"), (b"", b"2\n3")]


def test_mixed_line_ends():
    assert simple(b"data: 1\r\ndata: 2\n\r\ndata: 3\r\rdata: 4\n\r") == [
        (b"", b"1\n2"),
        (b"", b"3"),
        (b"", b"4"),
    ]


def test_crlf_is_never_two_line_ends():
    splitter = EventSplitter()
    assert splitter.feed(b"data: 1\r") == []
    assert splitter.feed(b"\ndata: 2\r\n") == []
    assert splitter.feed(b"\r") == []
    assert [event.data for event in splitter.feed(b"\n")] == [b"1\n2"]
    assert splitter.finish() == []


def test_comments_and_events_without_data_are_not_reported():
    assert simple(b": ping\n\nevent: only-a-name\n\n\n\n\ndata: x\n\n") == [(b"", b"x")]


def test_an_empty_data_line_is_an_event():
    assert simple(b"data:\n\n") == [(b"", b"")]


def test_a_byte_order_mark_is_skipped_once_and_only_at_the_start():
    mark = b"\xef\xbb\xbf"
    assert split(mark[:1], mark[1:] + b"data: x\n\n") == [Event(b"", b"x", b"data: x\n\n")]
    assert simple(mark + mark + b"data: x\n\ndata: y\n\n") == [(b"", b"y")]
    assert simple(b"data: x\n\n" + mark + b"data: y\n\n") == [(b"", b"x")]
    assert simple(mark) == []


def test_unicode_line_separators_end_no_line():
    data = '{"text":"a\u2028b\u2029c\u0085d"}'.encode()
    assert simple(b"data: " + data + b"\n\n") == [(b"", data)]


def test_an_unclosed_last_event_is_reported_at_the_end():
    assert simple(b"data: 1\n\ndata: 2") == [(b"", b"1"), (b"", b"2")]
    assert simple(b"data: 1\n") == [(b"", b"1")]
    assert simple(b"") == []


def test_nothing_is_reported_twice():
    splitter = EventSplitter()
    splitter.feed(b"data: 1")
    assert len(splitter.finish()) == 1
    assert splitter.finish() == []


@pytest.mark.parametrize("pieces", [[b"data: " + b"x" * 93 + b"\n\n"], [b"data: "] + [b"x"] * 93 + [b"\n\n"]])
def test_the_limit_holds_for_frames_whole_and_in_pieces(pieces: list[bytes]):
    assert len(split(*pieces, limit=101)) == 1
    with pytest.raises(EventTooLarge, match="100 bytes"):
        split(*pieces, limit=100)


def test_an_event_that_never_ends_is_refused():
    splitter = EventSplitter(1000)
    with pytest.raises(EventTooLarge):
        for _ in range(200):
            splitter.feed(b"data: lines\r\n")


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_a_huge_event_costs_linear_time(end: bytes):
    splitter = EventSplitter()
    piece = b"x" * 4096
    count = (12 << 20) // len(piece)
    started = time.process_time()
    splitter.feed(b"data: \r\ndata: " if end[0] == 13 else b"data: ")
    for _ in range(count):
        assert splitter.feed(piece) == []
    (event,) = splitter.feed(end)
    assert len(event.data) >= count * len(piece)
    # Quadratic work would be 18 GB of copying.
    assert time.process_time() - started < 2


line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
contents = st.sampled_from(
    [
        b"",
        b"data: x",
        b"data:y",
        b"data",
        b"event: e",
        b": note",
        b"id: 1",
        'data: \u2028"'.encode(),
        b"\xef\xbb\xbf",
    ]
)
streams = st.lists(st.tuples(contents, line_ends), max_size=30).map(
    lambda lines: b"".join(content + end for content, end in lines)
)


@given(st.one_of(streams, st.binary(max_size=60)), st.lists(st.integers(0, 1000), max_size=12))
def test_any_chunking_gives_the_same_frames(stream: bytes, cuts: list[int]):
    whole = split(stream)
    assert split(*chunks(stream, cuts)) == whole
    assert split(*(stream[i : i + 1] for i in range(len(stream)))) == whole


@given(streams, st.lists(st.integers(0, 1000), max_size=12))
def test_events_are_what_the_standard_says(stream: bytes, cuts: list[int]):
    """Against a reading line by line, as the standard words it."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    expected: list[tuple[bytes, bytes]] = []
    name, data = b"", list[bytes]()
    for line in [*text.split(b"\n"), b""]:
        if not line:
            if data:
                expected.append((name, b"\n".join(data)))
            name, data = b"", []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        if field == b"event":
            name = value
    assert simple(*chunks(stream, cuts)) == expected


@given(streams)
def test_raw_frames_lose_no_event_when_they_are_split_again(stream: bytes):
    events = split(stream)
    again = split(b"".join(event.raw for event in events))
    assert [(e.name, e.data) for e in again] == [(e.name, e.data) for e in events]
