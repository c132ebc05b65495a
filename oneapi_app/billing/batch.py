"""Settlements added up into what the database has to change: one row per account, channel and hour.

Pure. Texts are cut to the columns' lengths and cleaned of what some engine refuses, so that no request can
hold up the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
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
    ``log_rows`` and ``detail_rows`` are in the column order of ``LOG_COLUMNS`` and ``DETAIL_COLUMNS``;
    ``hours`` maps ``HOUR_KEY`` to the sums ``HOUR_SUMS``.
    """

    sequence: int = 0
    settlements: int = 0
    users: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    tokens: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    unlimited_tokens: set[int] = field(default_factory=set[int])
    channels: dict[int, int] = field(default_factory=dict[int, int])
    log_rows: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    detail_rows: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
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
    "user_id, created_at, type, content, username, token_name, model_name, quota, prompt_tokens, "
    "completion_tokens, channel_id, request_id, elapsed_time, is_stream, system_prompt_reset"
)
DETAIL_COLUMNS = "request_id, created_at, cached_tokens, first_token_ms, detail"
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


def build_batch(groups: Iterable[Group], *, ascii_only: bool = False) -> Batch:
    """``ascii_only``: for groups whose texts an engine's character set has refused."""
    batch = Batch()
    for group in groups:
        batch.sequence = group.sequence
        batch.settlements += len(group.settlements)
        for settlement in group.settlements:
            _add(batch, settlement.charge, settlement.collected_units, settlement.token_limited, ascii_only)
    return batch


def _add(batch: Batch, charge: RecordedCharge, units: int, token_limited: bool, ascii_only: bool) -> None:
    user = batch.users.get(charge.user_id)
    if user is None:
        batch.users[charge.user_id] = [units, 1]
    else:
        user[0] += units
        user[1] += 1
    if token_limited:
        token = batch.tokens.get(charge.token_id)
        if token is None:
            batch.tokens[charge.token_id] = [units, charge.created_at]
        else:
            token[0] += units
            token[1] = max(token[1], charge.created_at)
    else:
        batch.unlimited_tokens.add(charge.token_id)
    batch.channels[charge.channel_id] = batch.channels.get(charge.channel_id, 0) + units
    if charge.write_log:
        _add_log(batch, charge, units, ascii_only)


def _add_log(batch: Batch, charge: RecordedCharge, units: int, ascii_only: bool) -> None:
    username = _clean_again(charge.username, 64, ascii_only)
    token_name = _clean_again(charge.token_name, 64, ascii_only)
    model_name = _clean_again(charge.model_name, 191, ascii_only)
    request_id = _clean(charge.request_id, 64, ascii_only)
    prompt = min(charge.prompt_tokens, _LARGEST)
    completion = min(charge.completion_tokens, _LARGEST)
    cached = min(charge.cached_tokens, _LARGEST)
    created_at = charge.created_at
    batch.log_rows.append(
        (
            charge.user_id,
            created_at,
            CONSUME,
            _clean_again(charge.content, 10_000, ascii_only),
            username,
            token_name,
            model_name,
            units,
            prompt,
            completion,
            charge.channel_id,
            request_id,
            charge.elapsed_ms,
            charge.is_stream,
            charge.system_prompt_reset,
        )
    )
    detail = _clean(str(charge.detail, "utf-8"), 1_000_000, ascii_only)
    batch.detail_rows.append((request_id, created_at, cached, charge.first_token_ms, detail))
    hour = created_at - created_at % _HOUR_S
    key = (hour, charge.user_id, username, token_name, model_name, charge.channel_id)
    sums = batch.hours.get(key)
    if sums is None:
        sums = batch.hours[key] = [0] * len(HOUR_SUMS)
    sums[0] += 1
    sums[1] += units
    sums[2] += prompt
    sums[3] += completion
    sums[4] += cached
    sums[5] += charge.elapsed_ms
    if charge.is_stream:
        sums[6] += charge.first_token_ms
        sums[7] += 1


def _clean(text: str, length: int, ascii_only: bool) -> str:
    if "\0" in text:
        text = text.replace("\0", "")
    if ascii_only:
        text = text.encode("ascii", "replace").decode()
    return text if len(text) <= length else text[:length]


_clean_again = lru_cache(maxsize=2048)(_clean)
"""For texts that many rows share."""
