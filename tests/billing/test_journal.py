"""The journal on disk: torn tails, damage, rotation, abandoned files, full disks."""

import os
import resource
import subprocess
import sys

import pytest

from oneapi_app.billing.batch import build_batch
from oneapi_app.billing.charge import FIGURES, figures_of, read_group, read_head, write_detail, write_group
from oneapi_app.billing.ledger import journal as journals
from oneapi_app.billing.ledger.journal import UnknownFormat, open_journal
from tests.billing.seeds import charge


def group(sequence: int, units: int = 3) -> bytes:
    bill = charge(units)
    return write_group(sequence, {(bill.head, True, True): list(figures_of(units, bill))})


def abandon(directory, journal) -> None:
    """As a crash leaves it: the lock goes, the files stay."""
    os.close(journal._file)
    os.close(journal._lock)


def left_behind(directory):
    own, abandoned = open_journal(directory, fsync=False)
    own.close(remove=True)
    return abandoned


def sequences(directory) -> list[int]:
    (found,) = left_behind(directory)
    read = [sequence for sequence, _ in found.groups()]
    found.close(remove=False)
    return read


def test_what_is_written_is_read(tmp_path):
    journal, abandoned = open_journal(tmp_path, fsync=False)
    assert abandoned == []
    written = [group(n) for n in range(1, 6)]
    for number, payload in enumerate(written, 1):
        journal.append(number, payload)
    abandon(tmp_path, journal)
    (found,) = left_behind(tmp_path)
    assert list(found.groups()) == list(enumerate(written, 1))
    assert not found.damaged
    found.close(remove=True)
    assert [path.name for path in tmp_path.iterdir()] == ["directory.lock"]


def test_settlements_survive_the_round_trip():
    sent = charge(7, model_name='模型\n\u2028"x', detail='{"attempts":[{"channel":1}],"text":"\\u0000"}')
    again, other = charge(8), charge(9, account=2)
    gathered = {
        (sent.head, False, True): [*figures_of(5, sent), *figures_of(8, again)],
        (other.head, True, False): list(figures_of(9, other)),
    }
    group = read_group(write_group(9, gathered))
    first, second = group.entries
    assert (group.sequence, first.token_limited, first.write_log) == (9, False, True)
    assert (second.token_limited, second.write_log) == (True, False)
    assert [first.figures, second.figures] == list(gathered.values())
    read = dict(zip(FIGURES, first.figures, strict=False))
    assert read["collected_units"] == 5
    assert read["detail"] == sent.detail[:-1] + ',"uncollected_units":2}'
    for name in set(FIGURES) - {"detail", "collected_units"}:
        assert read[name] == getattr(sent, name), name
    head = read_head(bytes(first.head))
    assert (head.user_id, head.username, head.token_id, head.token_name) == (1, "user1", 1, "token1")
    assert (head.channel_id, head.model_name) == (1, '模型\n\u2028"x')
    assert (head.content, head.system_prompt_reset) == ("倍率：0.07 × 1.00 × 4.00", False)
    assert (head.usual_detail, read_head(bytes(second.head)).user_id) == (sent.head.usual_detail, 2)


def test_texts_that_cannot_be_written_do_not_lose_the_sum():
    bad = charge(7, model_name="\ud800", detail=write_detail({"x": object()}))
    (entries,) = read_group(write_group(1, {(bad.head, True, True): list(figures_of(7, bad))})).entries
    assert entries.figures[FIGURES.index("collected_units")] == 7
    assert read_head(bytes(entries.head)).model_name == "?"


def test_the_usual_detail_is_made_of_its_head_and_the_duration():
    usual = charge(7, usual_detail=('{"ms":', ',"text":"5 %"}'))
    figures = [*figures_of(7, usual), *figures_of(4, usual)]
    group = read_group(write_group(1, {(usual.head, True, True): figures}))
    details = build_batch([group]).detail_values[4::5]
    assert details == ['{"ms":44,"text":"5 %"}', '{"ms":44,"text":"5 %","uncollected_units":3}']


FORMAT_1 = (
    '[3,[[5,true,[7,1,"user1",2,"token \\"2\\"",3,"gpt-4o",12,7,2,"倍率：1",true,100,44,true,"r1",1764000000,true,'
    '{"count_source":"provider","é":"5 %d"}]],'
    '[4,false,[4,2,"user2",4,"t",3,"gpt-4o",1,2,0,"x",false,1,0,false,"r2",1764000000,false,{}]]]]'
)
"""A line as the version before this one wrote it."""


def test_the_format_before_is_read(tmp_path):
    journal, _ = open_journal(tmp_path, fsync=False)
    abandon(tmp_path, journal)
    (segment,) = tmp_path.glob("*.journal")
    header = b'{"format":1,"journal":"%b"}' % journal.id.encode()
    segment.write_bytes(journals._line(header) + journals._line(FORMAT_1.encode()))
    (found,) = left_behind(tmp_path)
    ((sequence, payload),) = found.groups()
    found.close(remove=False)
    batch = build_batch([read_group(payload)])
    assert (sequence, batch.sequence, batch.settlements) == (3, 3, 2)
    assert (batch.users, batch.channels) == ({1: [5, 1], 2: [4, 1]}, {3: 9})
    assert (batch.tokens, batch.unlimited_tokens) == ({2: [5, 1_764_000_000]}, {4})
    assert batch.log_values == [
        1, 1_764_000_000, 2, "倍率：1", "user1", 'token "2"', "gpt-4o", 5, 12, 7, 3, "r1", 100, True, True,
    ]  # fmt: skip
    assert batch.detail_values == ["r1", 1_764_000_000, 2, 44, '{"count_source":"provider","é":"5 %d"}']
    hour = 1_764_000_000 // 3600 * 3600
    assert batch.hours == {(hour, 1, "user1", 'token "2"', "gpt-4o", 3): [1, 5, 12, 7, 2, 100, 44, 1]}


@pytest.mark.parametrize("cut", [1, 5, 30, 100])
def test_a_torn_tail_is_dropped(tmp_path, cut):
    journal, _ = open_journal(tmp_path, fsync=False)
    for number in (1, 2, 3):
        journal.append(number, group(number))
    abandon(tmp_path, journal)
    (segment,) = tmp_path.glob("*.journal")
    segment.write_bytes(segment.read_bytes()[:-cut])
    assert sequences(tmp_path) == [1, 2]


def test_every_cut_gives_whole_groups_only(tmp_path):
    journal, _ = open_journal(tmp_path, fsync=False)
    for number in (1, 2):
        journal.append(number, group(number))
    abandon(tmp_path, journal)
    (segment,) = tmp_path.glob("*.journal")
    whole = segment.read_bytes()
    for length in range(0, len(whole), 7):
        segment.write_bytes(whole[:length])
        assert sequences(tmp_path) in ([], [1], [1, 2])


def test_damage_is_told_and_the_rest_is_read(tmp_path, caplog):
    journal, _ = open_journal(tmp_path, fsync=False)
    for number in (1, 2, 3):
        journal.append(number, group(number))
    abandon(tmp_path, journal)
    (segment,) = tmp_path.glob("*.journal")
    lines = segment.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"gpt-4o", b"gpt-4x")
    segment.write_bytes(b"\n".join(lines))
    (found,) = left_behind(tmp_path)
    assert [sequence for sequence, _ in found.groups()] == [1, 3]
    assert found.damaged
    assert "cannot be read" in caplog.text
    assert "倍率" not in caplog.text
    found.close(remove=True)
    assert len(list(tmp_path.glob("*.damaged"))) == 1
    assert left_behind(tmp_path) == []


def test_rotation_and_removal_of_applied_segments(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "SEGMENT_BYTES", 1000)
    journal, _ = open_journal(tmp_path, fsync=False)
    for number in range(1, 21):
        journal.append(number, group(number))
    segments = len(list(tmp_path.glob("*.journal")))
    assert segments > 3
    journal.applied(10)
    assert 1 < len(list(tmp_path.glob("*.journal"))) < segments
    abandon(tmp_path, journal)
    read = sequences(tmp_path)
    assert read[-1] == 20
    assert read == list(range(read[0], 21)), "in order over segments"
    assert read[0] <= 11


def test_a_living_process_keeps_its_journal(tmp_path):
    script = (
        "import sys; from pathlib import Path; from oneapi_app.billing.ledger.journal import open_journal;"
        "j, _ = open_journal(Path(sys.argv[1]), fsync=False); j.append(1, b'[1,[]]');"
        "print('ready', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert left_behind(tmp_path) == []
        child.kill()
        child.wait(10)
        assert sequences(tmp_path) == [1]
    finally:
        child.kill()
        child.wait(10)


def test_a_journal_of_another_version_is_not_guessed_at(tmp_path):
    journal, _ = open_journal(tmp_path, fsync=False)
    abandon(tmp_path, journal)
    (segment,) = tmp_path.glob("*.journal")
    segment.write_bytes(journals._line(b'{"format":99}') + journals._line(group(1)))
    (found,) = left_behind(tmp_path)
    with pytest.raises(UnknownFormat):
        list(found.groups())
    found.close(remove=False)


def test_a_write_cut_short_leaves_no_half_line(tmp_path):
    journal, _ = open_journal(tmp_path, fsync=True)
    journal.append(1, group(1))
    (segment,) = tmp_path.glob("*.journal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + 10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.append(2, group(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append(2, group(2))
    journal.append(3, group(3))
    abandon(tmp_path, journal)
    assert sequences(tmp_path) == [1, 2, 3]
