"""What changed, published by services and delivered after the transaction has committed.

Caches and the ledger follow these. The TRAVELLING ones also reach the other nodes, hence plain data only; there they
bring memory up to date and nothing else: whatever is to happen once (a notification) subscribes to the database, whose
subscribers only ever see what this very process has committed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserChanged:
    """Any column of a user but the balance; also after deletion."""

    user_id: int


@dataclass(frozen=True, slots=True)
class TokenChanged:
    """A token was created, edited or deleted. ``key`` without ``sk-``."""

    token_id: int
    key: str


@dataclass(frozen=True, slots=True)
class BalanceChanged:
    """Somebody other than the ledger changed a balance; ids that did not change are None."""

    user_id: int | None = None
    token_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelsChanged:
    """Channels or abilities changed; what is routable must be read again."""


@dataclass(frozen=True, slots=True)
class ChannelSwitched:
    """A channel was disabled or enabled by itself, not by hand: something to tell the operator, once.

    Stays on its node; what others need of it they learn from the ChannelsChanged that goes with it.
    """

    channel_id: int
    name: str
    enabled: bool
    reason: str


@dataclass(frozen=True, slots=True)
class OptionsChanged:
    """Options were saved."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EverythingChanged:
    """Nobody can tell what: this node was cut off from the others, or more changed than is told one by one."""


@dataclass(frozen=True, slots=True)
class LeaseWanted:
    """A node needs more of a balance than is free: what others hold of it and do not need is to come back."""

    user_id: int | None = None
    token_id: int | None = None


TRAVELLING = (
    UserChanged,
    TokenChanged,
    BalanceChanged,
    ChannelsChanged,
    OptionsChanged,
    EverythingChanged,
    LeaseWanted,
)

Event = (
    UserChanged
    | TokenChanged
    | BalanceChanged
    | ChannelsChanged
    | ChannelSwitched
    | OptionsChanged
    | EverythingChanged
    | LeaseWanted
)
