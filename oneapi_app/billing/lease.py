"""A node's lease: the part of a balance it may spend without asking, where several nodes share one database.

Pure: what a node asks for, and what it is granted. The rows are ``account_store``'s, their use in memory
``ledger.leases``'.
"""

from dataclasses import dataclass
from typing import NamedTuple

from oneapi_app.models.account_lease import TOKEN, USER

__all__ = ["TOKEN", "USER", "Key", "LeaseChange", "Share", "granted"]

Key = tuple[int, int]
"""USER or TOKEN, and the id."""


@dataclass(frozen=True, slots=True)
class LeaseChange:
    """What a node wants of one account: to return ``give`` units, then to take up to ``most`` and a margin.

    Nothing is taken where less than ``least`` is free. The margin is for later requests, so that not each of
    them needs a transaction; the other nodes may need it as well, hence it gets their number's part at most.
    """

    key: Key
    give: int = 0
    least: int = 0
    most: int = 0
    margin: int = 0


class Share(NamedTuple):
    """An account beside this node's lease: its whole balance, and what the other nodes have leased of it."""

    total: int
    elsewhere: int


def granted(change: LeaseChange, free: int, other_nodes: int) -> int:
    """Units to take of what nobody has leased."""
    if free <= 0 or free < change.least:
        return 0
    needed = max(0, min(free, change.most))
    return needed + min(change.margin, (free - needed) // (other_nodes + 1))
