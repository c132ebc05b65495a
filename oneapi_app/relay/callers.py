"""Who may call: token records in memory, read from the database once and kept fresh behind the caller's back.

The warm path does no database work. A record older than ``fresh_s`` is still used and read again in the
background, so that edits made by other programs on the same database arrive too; one much older is read first,
so that a key unused for long does not get in on what was true then. Our own edits arrive at once through events,
those of other nodes over the bus. Keys are looked up by their SHA-256, so timing says nothing about stored keys.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256

from oneapi_app.tokens.schemas import CallerRecord

FRESH_S = 10.0
STALE = 2
"""This many times ``fresh_s`` old, a record is not used before it has been read again ..."""
PATIENCE_S = 1.0
"""... if the database answers that fast: calls go on while it is away."""
UNKNOWN_S = 5.0
"""An unknown key is believed unknown for this long."""
MAX_RECORDS = 100_000
MAX_UNKNOWN = 10_000

Load = Callable[[str], Awaitable[CallerRecord | None]]


class Callers:
    """Token records by key. ``fresh_s`` may be changed at any time."""

    def __init__(self, load: Load, clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._records: dict[bytes, tuple[CallerRecord, float]] = {}
        self._unknown: dict[bytes, float] = {}
        self._refreshing: dict[bytes, tuple[asyncio.Task[CallerRecord | None], float]] = {}
        self._fresh_s = FRESH_S
        self.version = 0
        """Counts what may make a record that somebody holds untrue, other than its age."""

    @property
    def fresh_s(self) -> float:
        return self._fresh_s

    @fresh_s.setter
    def fresh_s(self, seconds: float) -> None:
        if seconds != self._fresh_s:
            self._fresh_s = seconds
            self.version += 1

    def fresh_for(self, record: CallerRecord) -> float:
        """Seconds for which it may be used without asking ``find`` again, as long as ``version`` stays; 0: not at all."""
        found = self._records.get(sha256(record.key.encode()).digest())
        if found is None or found[0] is not record:
            return 0.0
        return max(0.0, found[1] + self._fresh_s - self._clock())

    async def find(self, key: str) -> CallerRecord | None:
        """The token with this key (without ``sk-``) and its owner, or None."""
        digest = sha256(key.encode()).digest()
        found = self._records.get(digest)
        now = self._clock()
        if found is None:
            return None if self._unknown.get(digest, 0.0) > now else await self._read(digest, key)
        age_s = now - found[1]
        if age_s <= self.fresh_s:
            return found[0]
        if digest not in self._refreshing:
            self._refreshing[digest] = asyncio.create_task(self._refresh(digest, key)), now
        if age_s <= self.fresh_s * STALE:
            return found[0]
        task, since = self._refreshing[digest]
        await asyncio.wait([task], timeout=max(0.0, since + PATIENCE_S - now))
        if not task.done():
            return found[0]
        return task.result() or await self.find(key)

    async def _read(self, digest: bytes, key: str) -> CallerRecord | None:
        version = self.version
        record = await self._load(key)
        if version != self.version:
            return record  # perhaps read before what changed meanwhile: not to be remembered
        now = self._clock()
        if record is None:
            self._records.pop(digest, None)
            if len(self._unknown) >= MAX_UNKNOWN:
                self._unknown.clear()
            self._unknown[digest] = now + UNKNOWN_S
            return None
        if len(self._records) >= MAX_RECORDS:
            del self._records[next(iter(self._records))]
        self._records[digest] = (record, now)
        self._unknown.pop(digest, None)
        return record

    async def _refresh(self, digest: bytes, key: str) -> CallerRecord | None:
        """As read now; where the database does not answer, as remembered, if it still is."""
        try:
            return await self._read(digest, key)
        except Exception:
            remembered = self._records.get(digest)
            if remembered is None:
                return None
            self._records[digest] = (remembered[0], self._clock())
            return remembered[0]
        finally:
            self._refreshing.pop(digest, None)

    def forget_key(self, key: str) -> None:
        """A token was created, edited or deleted."""
        self.version += 1
        digest = sha256(key.encode()).digest()
        self._records.pop(digest, None)
        self._unknown.pop(digest, None)

    def forget_user(self, user_id: int) -> None:
        """A user changed: every token of theirs is read again."""
        self.version += 1
        for digest in [d for d, (record, _) in self._records.items() if record.user_id == user_id]:
            del self._records[digest]

    def forget_all(self) -> None:
        """Anything may have changed."""
        self.version += 1
        self._records.clear()
        self._unknown.clear()
