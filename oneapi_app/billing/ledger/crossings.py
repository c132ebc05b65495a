"""Whose balance a batch has brought below a limit: once per crossing, whichever node's batch it was. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from oneapi_app.billing.batch import BalancesRead, Batch


@dataclass(frozen=True, slots=True)
class Crossing:
    """``balance``: what is left, in quota units. 0 or less is used up."""

    user_id: int
    balance: int


def crossings(batch: Batch, found: BalancesRead, threshold: int) -> Iterator[Crossing]:
    """``found`` was read in the transaction that applied the batch, so what was there before is known exactly."""
    for user_id, (units, _requests) in batch.users.items():
        after = found.user_balance(user_id)
        if after is None:
            continue
        before = after + units
        if before >= threshold > after or before > 0 >= after:
            yield Crossing(user_id, after)
