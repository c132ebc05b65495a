"""The journal: settlements on local disk before the client has its last byte.

A journal is one process's. Its segments (``<id>.000001.journal`` …) hold one line per write: eight hex digits
of CRC-32, a blank, JSON, a newline; the first line names format and journal. A line that is cut short or
does not match its checksum was never acknowledged. ``<id>.lock`` is held while the process lives, so that
whoever starts next knows which journals were left behind. Knows nothing of balances or the database.
"""

import fcntl
import logging
import os
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec

from oneapi_app.billing.charge import FORMAT, read_group
from oneapi_app.billing.ledger import journal_1

log = logging.getLogger(__name__)

SEGMENT_BYTES = 8 << 20
_SEGMENT = re.compile(r"([0-9a-f]{32})\.(\d{6})\.journal$")


class UnknownFormat(Exception):
    """An abandoned journal is not of a format this version reads."""


class _Header(msgspec.Struct):
    """The first line of a segment."""

    format: int
    journal: str


_HEADERS = msgspec.json.Decoder(_Header)


@dataclass(slots=True)
class _Segment:
    path: Path
    last_sequence: int = 0


class Journal:
    """The journal of this process. Every method runs on the event loop's thread and touches only local files."""

    def __init__(self, directory: Path, *, fsync: bool) -> None:
        """Raises OSError where the directory cannot be written."""
        self.id = uuid4().hex
        self._directory = directory
        self._fsync = fsync
        self._lock = _take_lock(_lock_path(directory, self.id), wait=False)
        self._segments: list[_Segment] = []
        self._size = 0
        self._file = -1
        self._open_segment()

    def append(self, sequence: int, payload: bytes) -> None:
        """Writes one group. On OSError nothing of it remains, and it may be tried again."""
        if self._size >= SEGMENT_BYTES:
            self._rotate()
        line = _line(payload)
        self._write(line)
        self._segments[-1].last_sequence = sequence

    def duplicate_file(self) -> int:
        """A descriptor of the open segment for a thread that syncs it; the thread closes it."""
        return os.dup(self._file)

    def applied(self, sequence: int) -> None:
        """Everything up to this group is in the database: segments that hold nothing else go."""
        while len(self._segments) > 1 and self._segments[0].last_sequence <= sequence:
            _unlink(self._segments.pop(0).path)

    def close(self, *, remove: bool) -> None:
        """Lets go of the files; removes them where nothing in them is needed any more."""
        file, self._file = self._file, -1
        os.close(file)
        if remove:
            for segment in self._segments:
                _unlink(segment.path)
            _unlink(_lock_path(self._directory, self.id))
            if self._fsync:
                _sync_directory(self._directory)
        os.close(self._lock)

    def _write(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            if written:
                self._drop_partial_line()
            raise
        self._size += len(line)

    def _drop_partial_line(self) -> None:
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._size = SEGMENT_BYTES  # the next line goes into a segment of its own

    def _rotate(self) -> None:
        if self._fsync:
            os.fdatasync(self._file)
        old = self._file
        self._open_segment()
        os.close(old)

    def _open_segment(self) -> None:
        number = int(self._segments[-1].path.name.split(".")[1]) + 1 if self._segments else 1
        path = self._directory / f"{self.id}.{number:06d}.journal"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        header = _line(msgspec.json.encode(_Header(FORMAT, self.id)))
        try:
            os.write(file, header)
            if self._fsync:
                _sync_directory(self._directory)
        except OSError:
            os.close(file)
            _unlink(path)
            raise
        self._file, self._size = file, len(header)
        self._segments.append(_Segment(path))


class AbandonedJournal:
    """A journal whose process is gone; held by us until ``close``."""

    def __init__(self, directory: Path, journal_id: str, lock: int) -> None:
        self.id = journal_id
        self._directory = directory
        self._lock = lock
        self.damaged = False

    def groups(self) -> Iterator[tuple[int, bytes]]:
        """Sequence and JSON of every whole group, in order. Sets ``damaged`` where a line that is not the last one is unreadable.

        Raises UnknownFormat.
        """
        for path in _segments_of(self._directory, self.id):
            lines = path.read_bytes().split(b"\n")
            torn = lines.pop()
            if torn:
                log.info("journal %s: its last write was cut short by the crash and is dropped", path.name)
            written_in = FORMAT
            for number, line in enumerate(lines):
                payload = _checked(line)
                if number == 0 and payload is not None:
                    written_in = _format_of(path, payload)
                    continue
                try:
                    if payload is None:
                        raise ValueError("checksum does not match")
                    if written_in == journal_1.FORMAT:
                        payload = journal_1.rewritten(payload)
                    sequence = read_group(payload).sequence
                except (ValueError, msgspec.MsgspecError) as error:
                    self.damaged = True
                    log.error("journal %s, line %d cannot be read: %s", path.name, number + 1, error)
                else:
                    yield sequence, payload

    def close(self, *, remove: bool) -> None:
        """Removes the files if told to; keeps damaged ones beside, renamed, for a person to look at."""
        if remove:
            for path in _segments_of(self._directory, self.id):
                if self.damaged:
                    path.rename(path.with_suffix(".damaged"))
                else:
                    _unlink(path)
            _unlink(_lock_path(self._directory, self.id))
        os.close(self._lock)


def open_journal(directory: Path, *, fsync: bool) -> tuple[Journal, list[AbandonedJournal]]:
    """A journal of our own, and those whose processes are gone. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _directory_lock(directory):
        abandoned = _claim_abandoned(directory)
        return Journal(directory, fsync=fsync), abandoned


def _claim_abandoned(directory: Path) -> list[AbandonedJournal]:
    ids = sorted({found.group(1) for path in directory.iterdir() if (found := _SEGMENT.match(path.name))})
    claimed: list[AbandonedJournal] = []
    for journal_id in ids:
        try:
            lock = _take_lock(_lock_path(directory, journal_id), wait=False)
        except BlockingIOError:
            continue  # its process lives
        claimed.append(AbandonedJournal(directory, journal_id, lock))
    return claimed


def _line(payload: bytes) -> bytes:
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def _checked(line: bytes) -> bytes | None:
    payload = line[9:]
    return payload if line[:9] == b"%08x " % zlib.crc32(payload) else None


def _format_of(path: Path, payload: bytes) -> int:
    try:
        written_in = _HEADERS.decode(payload).format
    except msgspec.MsgspecError:
        written_in = 0
    if written_in not in (journal_1.FORMAT, FORMAT):
        raise UnknownFormat(f"journal {path} was written by another version; start that once to finish it")
    return written_in


def _segments_of(directory: Path, journal_id: str) -> list[Path]:
    return sorted(directory.glob(f"{journal_id}.*.journal"))


def _lock_path(directory: Path, journal_id: str) -> Path:
    return directory / f"{journal_id}.lock"


def _take_lock(path: Path, *, wait: bool) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(file)
        raise
    return file


@contextmanager
def _directory_lock(directory: Path) -> Generator[None]:
    """Held for the moment in which a process looks around and makes its own journal."""
    file = _take_lock(directory / "directory.lock", wait=True)
    try:
        yield
    finally:
        os.close(file)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
