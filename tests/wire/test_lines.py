"""Lines, whatever the chunking."""

from hypothesis import given
from hypothesis import strategies as st

from oneapi_app.wire.lines import LineSplitter


@given(st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"\r", b"")), max_size=6), st.data())
def test_any_chunking(lines: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    splitter = LineSplitter()
    found: list[bytes] = []
    for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += splitter.feed(whole[start:stop])
    found += splitter.finish()
    assert found == [line.strip() for line in whole.split(b"\n") if line.strip()]
