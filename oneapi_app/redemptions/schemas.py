"""What goes into and comes out of the redemption service. Quota is in units, times are unix seconds."""

import msgspec


class RedemptionRow(msgspec.Struct, frozen=True):
    """A code in the fields of the REST API."""

    id: int
    user_id: int
    """Who made it."""
    key: str
    status: int
    name: str
    quota: int
    created_time: int
    redeemed_time: int
    """0 while unused."""
    count: int = 0
    """Part of the original's answer; always 0."""


class RedemptionDraft(msgspec.Struct, frozen=True):
    """A batch of new codes; missing fields are zero values."""

    name: str | None = None
    quota: int | None = None
    count: int | None = None


class RedemptionQuery(msgspec.Struct, frozen=True):
    """One page for the console. ``sort`` is a column, with ``-`` in front for descending."""

    page: int = 0
    size: int = 20
    search: str = ""
    """A part of the name, an id, or a whole code."""
    status: int = 0
    """0 means any."""
    sort: str = "-id"


class RedeemedRow(msgspec.Struct, frozen=True):
    """A code with the name of who redeemed it, where that is known."""

    row: RedemptionRow
    redeemer: str


class RedemptionPage(msgspec.Struct, frozen=True):
    rows: list[RedeemedRow]
    total: int
