"""Settlements added up into what the database has to change: one row per account, channel and hour.

Pure. Texts are cut to the columns' lengths and cleaned of what some engine refuses, so that no request can
hold up the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from oneapi_app.billing.charge import Group, RecordedCharge
from oneapi_app.billing.lease import USER, Key, Share
from oneapi_app.models.log import CONSUME

_LARGEST = 2**53
_HOUR_S = 3600


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


class _Tally:
    """Sums of settlements that differ in nothing but their figures, and the texts that these share, cleaned once."""

    __slots__ = ("cached", "completion", "content", "elapsed_ms", "first_ms", "last_use", "limited", "logged",
                 "model_name", "prompt", "requests", "streams", "token_name", "units", "username")  # fmt: skip

    def __init__(self, charge: RecordedCharge, limited: bool, ascii_only: bool) -> None:
        self.limited = limited
        self.logged = charge.write_log
        self.username = _clean(charge.username, 64, ascii_only)
        self.token_name = _clean(charge.token_name, 64, ascii_only)
        self.model_name = _clean(charge.model_name, 191, ascii_only)
        self.content = _clean(charge.content, 10_000, ascii_only)
        self.requests = self.units = self.prompt = self.completion = self.cached = 0
        self.elapsed_ms = self.first_ms = self.streams = self.last_use = 0


def build_batch(groups: Iterable[Group], *, ascii_only: bool = False) -> Batch:
    """``ascii_only``: for groups whose texts an engine's character set has refused."""
    batch = Batch()
    tallies: dict[tuple[Any, ...], _Tally] = {}
    for group in groups:
        batch.sequence = group.sequence
        batch.settlements += len(group.settlements)
        for settlement in group.settlements:
            charge, units, limited = settlement.charge, settlement.collected_units, settlement.token_limited
            created_at = charge.created_at
            key = (
                charge.user_id, charge.token_id, charge.channel_id, created_at // _HOUR_S, charge.model_name,
                charge.content, charge.username, charge.token_name, limited, charge.write_log,
            )  # fmt: skip
            tally = tallies.get(key)
            if tally is None:
                tally = tallies[key] = _Tally(charge, limited, ascii_only)
            tally.requests += 1
            tally.units += units
            if created_at > tally.last_use:
                tally.last_use = created_at
            if tally.logged:
                _add_log(batch, tally, charge, units, ascii_only)
    for key, tally in tallies.items():
        _add_tally(batch, tally, *key[:4])
    return batch


def _add_log(batch: Batch, tally: _Tally, charge: RecordedCharge, units: int, ascii_only: bool) -> None:
    prompt, completion, cached = charge.prompt_tokens, charge.completion_tokens, charge.cached_tokens
    if prompt > _LARGEST or completion > _LARGEST or cached > _LARGEST:
        prompt, completion, cached = (min(count, _LARGEST) for count in (prompt, completion, cached))
    tally.prompt += prompt
    tally.completion += completion
    tally.cached += cached
    tally.elapsed_ms += charge.elapsed_ms
    if charge.is_stream:
        tally.first_ms += charge.first_token_ms
        tally.streams += 1
    created_at = charge.created_at
    request_id = _clean(charge.request_id, 64, ascii_only)
    batch.log_values += (
        charge.user_id,
        created_at,
        CONSUME,
        tally.content,
        tally.username,
        tally.token_name,
        tally.model_name,
        units,
        prompt,
        completion,
        charge.channel_id,
        request_id,
        charge.elapsed_ms,
        charge.is_stream,
        charge.system_prompt_reset,
    )
    detail = _clean(str(charge.detail, "utf-8"), 1_000_000, ascii_only)
    batch.detail_values += (request_id, created_at, cached, charge.first_token_ms, detail)


def _add_tally(batch: Batch, tally: _Tally, user_id: int, token_id: int, channel_id: int, hours: int) -> None:
    user = batch.users.setdefault(user_id, [0, 0])
    user[0] += tally.units
    user[1] += tally.requests
    if tally.limited:
        token = batch.tokens.setdefault(token_id, [0, 0])
        token[0] += tally.units
        token[1] = max(token[1], tally.last_use)
    else:
        batch.unlimited_tokens.add(token_id)
    batch.channels[channel_id] = batch.channels.get(channel_id, 0) + tally.units
    if not tally.logged:
        return
    hour = hours * _HOUR_S
    hour_key = (hour, user_id, tally.username, tally.token_name, tally.model_name, channel_id)
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
