"""What changed, published by services and delivered after the transaction has committed.

Caches and the ledger follow these; on several nodes they also travel over Redis, hence plain data only.
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
    """A channel was disabled or enabled by itself, not by hand: something to tell the operator, once."""

    channel_id: int
    name: str
    enabled: bool
    reason: str


@dataclass(frozen=True, slots=True)
class OptionsChanged:
    """Options were saved."""

    names: tuple[str, ...]


Event = UserChanged | TokenChanged | BalanceChanged | ChannelsChanged | ChannelSwitched | OptionsChanged
