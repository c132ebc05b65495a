"""Who may call: token records in memory, read from the database once and kept fresh behind the caller's back.

The warm path does no database work. A record older than ``FRESH_S`` is still used and read again in the
background, so that edits made by other programs on the same database arrive too; our own edits arrive at
once through events. Keys are looked up by their SHA-256, so timing says nothing about stored keys.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256

from oneapi_app.tokens.schemas import CallerRecord

FRESH_S = 10.0
UNKNOWN_S = 5.0
"""An unknown key is believed unknown for this long."""
MAX_RECORDS = 100_000
MAX_UNKNOWN = 10_000

Load = Callable[[str], Awaitable[CallerRecord | None]]


class Callers:
    """Token records by key."""

    def __init__(self, load: Load, clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._records: dict[bytes, tuple[CallerRecord, float]] = {}
        self._unknown: dict[bytes, float] = {}
        self._refreshing: dict[bytes, asyncio.Task[None]] = {}

    async def find(self, key: str) -> CallerRecord | None:
        """The token with this key (without ``sk-``) and its owner, or None."""
        digest = sha256(key.encode()).digest()
        found = self._records.get(digest)
        now = self._clock()
        if found is not None:
            if now - found[1] > FRESH_S and digest not in self._refreshing:
                self._refreshing[digest] = asyncio.create_task(self._refresh(digest, key))
            return found[0]
        if self._unknown.get(digest, 0.0) > now:
            return None
        return await self._read(digest, key)

    async def _read(self, digest: bytes, key: str) -> CallerRecord | None:
        record = await self._load(key)
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

    async def _refresh(self, digest: bytes, key: str) -> None:
        try:
            await self._read(digest, key)
        except Exception:
            record = self._records.get(digest)
            if record is not None:
                self._records[digest] = (record[0], self._clock())
        finally:
            self._refreshing.pop(digest, None)

    def forget_key(self, key: str) -> None:
        """A token was created, edited or deleted."""
        digest = sha256(key.encode()).digest()
        self._records.pop(digest, None)
        self._unknown.pop(digest, None)

    def forget_user(self, user_id: int) -> None:
        """A user changed: every token of theirs is read again."""
        for digest in [d for d, (record, _) in self._records.items() if record.user_id == user_id]:
            del self._records[digest]

    def forget_token(self, token_id: int) -> None:
        for digest in [d for d, (record, _) in self._records.items() if record.token_id == token_id]:
            del self._records[digest]
