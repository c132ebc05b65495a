"""Settlements added up into what the database has to change: one row per account, channel and hour.

Pure. Texts are cut to the columns' lengths and cleaned of what some engine refuses, so that no request can
hold up the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from oneapi_app.billing.charge import Group, RecordedHead, Settlement, read_head
from oneapi_app.billing.lease import USER, Key, Share
from oneapi_app.models.log import CONSUME

_LARGEST = 2**53
_HOUR_S = 3600
_LONGEST_DETAIL = 1_000_000


@dataclass(slots=True)
class Batch:
    """Sums by id. ``users``: units, requests; ``tokens``: units, last use; ``channels``: units.

    ``unlimited_tokens`` were used and pay nothing.
    ``log_values`` and ``detail_values``: row after row, in the column order of ``LOG_COLUMNS`` and ``DETAIL_COLUMNS``;
    ``hours`` maps ``HOUR_KEY`` to the sums ``HOUR_SUMS``.
    """

    sequence: int = 0
    settlements: int = 0
    users: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    tokens: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    unlimited_tokens: set[int] = field(default_factory=set[int])
    channels: dict[int, int] = field(default_factory=dict[int, int])
    log_values: list[Any] = field(default_factory=list[Any])
    detail_values: list[Any] = field(default_factory=list[Any])
    hours: dict[tuple[Any, ...], list[int]] = field(default_factory=dict[tuple[Any, ...], list[int]])


@dataclass(slots=True)
class BalancesRead:
    """What this process may spend, by the database. ``tokens``: remaining quota and whether it limits.

    Rows that are gone count as empty. Where nodes share a database these are its leases; ``shares`` tells what
    else there is, and ``lost`` that the others took this node for dead: no lease that is not named here holds.
    """

    users: dict[int, int] = field(default_factory=dict[int, int])
    tokens: dict[int, tuple[int, bool]] = field(default_factory=dict[int, tuple[int, bool]])
    shares: dict[Key, Share] = field(default_factory=dict[Key, Share])
    lost: bool = False

    def user_balance(self, user_id: int) -> int | None:
        """The whole of it, whoever may spend it; None where it was not read."""
        share = self.shares.get((USER, user_id))
        return self.users.get(user_id) if share is None else share.total


LOG_COLUMNS = (
    "user_id",
    "created_at",
    "type",
    "content",
    "username",
    "token_name",
    "model_name",
    "quota",
    "prompt_tokens",
    "completion_tokens",
    "channel_id",
    "request_id",
    "elapsed_time",
    "is_stream",
    "system_prompt_reset",
)
DETAIL_COLUMNS = ("request_id", "created_at", "cached_tokens", "first_token_ms", "detail")
HOUR_KEY = ("hour", "user_id", "username", "token_name", "model_name", "channel_id")
HOUR_SUMS = (
    "requests",
    "quota",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "elapsed_ms",
    "first_token_ms",
    "streams",
)


class _Head:
    """What settlements have in common, read and cleaned once a batch."""

    __slots__ = ("channel_id", "content", "model_name", "number", "system_prompt_reset", "token_id", "token_name",
                 "user_id", "username", "usual_detail")  # fmt: skip

    def __init__(self, number: int, recorded: RecordedHead, ascii_only: bool) -> None:
        self.number = number
        self.user_id = recorded.user_id
        self.token_id = recorded.token_id
        self.channel_id = recorded.channel_id
        self.system_prompt_reset = recorded.system_prompt_reset
        self.username = _clean(recorded.username, 64, ascii_only)
        self.token_name = _clean(recorded.token_name, 64, ascii_only)
        self.model_name = _clean(recorded.model_name, 191, ascii_only)
        self.content = _clean(recorded.content, 10_000, ascii_only)
        self.usual_detail = _clean(recorded.usual_detail, _LONGEST_DETAIL, ascii_only)


class _Tally:
    """Sums of settlements that differ in nothing but their figures."""

    __slots__ = ("cached", "completion", "elapsed_ms", "first_ms", "head", "hour", "last_use", "limited", "logged",
                 "prompt", "requests", "streams", "units")  # fmt: skip

    def __init__(self, head: _Head, hour: int, limited: bool, logged: bool) -> None:
        self.head = head
        self.hour = hour
        self.limited = limited
        self.logged = logged
        self.requests = self.units = self.prompt = self.completion = self.cached = 0
        self.elapsed_ms = self.first_ms = self.streams = self.last_use = 0


def build_batch(groups: Iterable[Group], *, ascii_only: bool = False) -> Batch:
    """``ascii_only``: for groups whose texts an engine's character set has refused."""
    batch = Batch()
    known: dict[bytes, _Head] = {}
    tallies: dict[tuple[int, int, bool, bool], _Tally] = {}
    for group in groups:
        batch.sequence = group.sequence
        batch.settlements += len(group.settlements)
        heads = [_head(known, bytes(text), ascii_only) for text in group.heads]
        for settlement in group.settlements:
            head, created_at = heads[settlement.head], settlement.created_at
            hour, limited, logged = created_at // _HOUR_S, settlement.token_limited, settlement.write_log
            key = (head.number, hour, limited, logged)
            tally = tallies.get(key)
            if tally is None:
                tally = tallies[key] = _Tally(head, hour, limited, logged)
            tally.requests += 1
            tally.units += settlement.collected_units
            if created_at > tally.last_use:
                tally.last_use = created_at
            if logged:
                _add_log(batch, tally, settlement, ascii_only)
    for tally in tallies.values():
        _add_tally(batch, tally)
    return batch


def _head(known: dict[bytes, _Head], text: bytes, ascii_only: bool) -> _Head:
    head = known.get(text)
    if head is None:
        head = known[text] = _Head(len(known), read_head(text), ascii_only)
    return head


def _add_log(batch: Batch, tally: _Tally, settlement: Settlement, ascii_only: bool) -> None:
    prompt, completion, cached = (
        settlement.prompt_tokens,
        settlement.completion_tokens,
        settlement.cached_tokens,
    )
    if prompt > _LARGEST or completion > _LARGEST or cached > _LARGEST:
        prompt, completion, cached = (min(count, _LARGEST) for count in (prompt, completion, cached))
    head, elapsed_ms, first_ms = tally.head, settlement.elapsed_ms, settlement.first_token_ms
    tally.prompt += prompt
    tally.completion += completion
    tally.cached += cached
    tally.elapsed_ms += elapsed_ms
    if settlement.is_stream:
        tally.first_ms += first_ms
        tally.streams += 1
    created_at, request_id, detail = settlement.created_at, settlement.request_id, settlement.detail
    batch.log_values += (
        head.user_id,
        created_at,
        CONSUME,
        head.content,
        head.username,
        head.token_name,
        head.model_name,
        settlement.collected_units,
        prompt,
        completion,
        head.channel_id,
        request_id,
        elapsed_ms,
        settlement.is_stream,
        head.system_prompt_reset,
    )
    if detail is None:
        detail = head.usual_detail % settlement.attempt_ms
    else:
        detail = _clean(detail, _LONGEST_DETAIL, ascii_only)
    batch.detail_values += (request_id, created_at, cached, first_ms, detail)


def _add_tally(batch: Batch, tally: _Tally) -> None:
    head = tally.head
    user = batch.users.setdefault(head.user_id, [0, 0])
    user[0] += tally.units
    user[1] += tally.requests
    if tally.limited:
        token = batch.tokens.setdefault(head.token_id, [0, 0])
        token[0] += tally.units
        token[1] = max(token[1], tally.last_use)
    else:
        batch.unlimited_tokens.add(head.token_id)
    batch.channels[head.channel_id] = batch.channels.get(head.channel_id, 0) + tally.units
    if not tally.logged:
        return
    hour = tally.hour * _HOUR_S
    hour_key = (hour, head.user_id, head.username, head.token_name, head.model_name, head.channel_id)
    sums = batch.hours.setdefault(hour_key, [0] * len(HOUR_SUMS))
    added = (tally.requests, tally.units, tally.prompt, tally.completion, tally.cached,
             tally.elapsed_ms, tally.first_ms, tally.streams)  # fmt: skip
    for index, value in enumerate(added):
        sums[index] += value


def _clean(text: str, length: int, ascii_only: bool) -> str:
    if "\0" in text:
        text = text.replace("\0", "")
    if ascii_only:
        text = text.encode("ascii", "replace").decode()
    return text if len(text) <= length else text[:length]
