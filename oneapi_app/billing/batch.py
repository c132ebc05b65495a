"""Settlements added up into what the database has to change: one row per account, channel and hour.

Pure. Texts are cut to the columns' lengths and cleaned of what some engine refuses, so that no request can
hold up the ledger.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, cast

from oneapi_app.billing.charge import FIGURES, Group, RecordedHead, read_head
from oneapi_app.billing.lease import USER, Key, Share
from oneapi_app.models.log import CONSUME

_LARGEST = 2**53
_HOUR_S = 3600
_LONGEST_ID = 64
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


def build_batch(groups: Iterable[Group], *, ascii_only: bool = False) -> Batch:
    """``ascii_only``: for groups whose texts an engine's character set has refused."""
    batch = Batch()
    found: dict[tuple[bytes, bool, bool], list[Any]] = {}
    for group in groups:
        batch.sequence = group.sequence
        for entries in group.entries:
            key = (bytes(entries.head), entries.token_limited, entries.write_log)
            found.setdefault(key, []).extend(entries.figures)
    for (head, limited, logged), figures in found.items():
        _add(batch, read_head(head), limited, logged, figures, ascii_only)
    return batch


def _add(
    batch: Batch, head: RecordedHead, limited: bool, logged: bool, figures: list[Any], ascii_only: bool
) -> None:
    columns = [figures[number :: len(FIGURES)] for number in range(len(FIGURES))]
    created, units = columns[:2]
    requests, total = len(created), sum(units)
    batch.settlements += requests
    user = batch.users.setdefault(head.user_id, [0, 0])
    user[0] += total
    user[1] += requests
    if limited:
        token = batch.tokens.setdefault(head.token_id, [0, 0])
        token[0] += total
        token[1] = max(token[1], max(created))
    else:
        batch.unlimited_tokens.add(head.token_id)
    batch.channels[head.channel_id] = batch.channels.get(head.channel_id, 0) + total
    if logged:
        _add_rows(batch, head, columns, ascii_only)


def _add_rows(batch: Batch, head: RecordedHead, columns: list[list[Any]], ascii_only: bool) -> None:
    created, units, prompt, completion, cached, streamed, elapsed, first, ids, durations, details = columns
    prompt, completion, cached = (_bounded(counts) for counts in (prompt, completion, cached))
    if max(map(len, ids)) > _LONGEST_ID or ascii_only:
        ids = [_clean(text, _LONGEST_ID, ascii_only) for text in ids]
    username = _clean(head.username, 64, ascii_only)
    token_name = _clean(head.token_name, 64, ascii_only)
    model_name = _clean(head.model_name, 191, ascii_only)
    batch.log_values += _in_rows(
        head.user_id,
        created,
        CONSUME,
        _clean(head.content, 10_000, ascii_only),
        username,
        token_name,
        model_name,
        units,
        prompt,
        completion,
        head.channel_id,
        ids,
        elapsed,
        streamed,
        head.system_prompt_reset,
    )
    before, after = (_clean(text, _LONGEST_DETAIL, ascii_only) for text in head.usual_detail)
    texts = [
        f"{before}{duration}{after}" if detail is None else _clean(detail, _LONGEST_DETAIL, ascii_only)
        for duration, detail in zip(durations, details, strict=True)
    ]
    batch.detail_values += _in_rows(ids, created, cached, first, texts)
    for hour, several in _by_hour(created, (units, prompt, completion, cached, elapsed, first, streamed)):
        key = (hour, head.user_id, username, token_name, model_name, head.channel_id)
        sums = batch.hours.setdefault(key, [0] * len(HOUR_SUMS))
        for number, added in enumerate((len(several[0]), *map(sum, several))):
            sums[number] += added


def _in_rows(*columns: Any) -> list[Any]:
    """The values of the first row, then of the second; a column that is no list is the same value in all of them."""
    count = max(len(cast("list[Any]", column)) for column in columns if isinstance(column, list))
    values: list[Any] = [None] * (count * len(columns))
    for number, column in enumerate(columns):
        values[number :: len(columns)] = column if isinstance(column, list) else [column] * count
    return values


def _by_hour(
    created: list[int], columns: tuple[list[int], ...]
) -> Iterator[tuple[int, tuple[list[int], ...]]]:
    """Hours as seconds, with what belongs to each; nearly always there is one."""
    hours = range(min(created) // _HOUR_S, max(created) // _HOUR_S + 1)
    if len(hours) == 1:
        yield hours[0] * _HOUR_S, columns
        return
    for hour in sorted({at // _HOUR_S for at in created}):
        inside = [at // _HOUR_S == hour for at in created]
        yield hour * _HOUR_S, tuple(list(compress(column, inside)) for column in columns)


def _bounded(counts: list[int]) -> list[int]:
    return counts if max(counts) <= _LARGEST else [min(count, _LARGEST) for count in counts]


def _clean(text: str, length: int, ascii_only: bool) -> str:
    if "\0" in text:
        text = text.replace("\0", "")
    if ascii_only:
        text = text.encode("ascii", "replace").decode()
    return text if len(text) <= length else text[:length]
