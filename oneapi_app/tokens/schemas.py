"""What goes into and comes out of the token service. Keys are without ``sk-`` everywhere."""

import msgspec


class CallerRecord(msgspec.Struct, frozen=True):
    """A token together with its owner: all the relay needs to admit a request."""

    token_id: int
    key: str
    token_name: str
    status: int
    expired_time: int
    """Unix seconds, -1 = never."""
    remain_quota: int
    unlimited: bool
    models: tuple[str, ...]
    """Models the token may use; empty means all."""
    subnets: tuple[str, ...]
    """Networks in CIDR form it may be used from; empty means any."""
    user_id: int
    username: str
    role: int
    user_status: int
    group: str


class TokenRow(msgspec.Struct, frozen=True):
    """One token of the caller's own, in the fields of the REST API."""

    id: int
    user_id: int
    key: str
    status: int
    name: str
    created_time: int
    accessed_time: int
    expired_time: int
    remain_quota: int
    unlimited_quota: bool
    used_quota: int
    models: str | None
    subnet: str | None


class TokenDraft(msgspec.Struct, frozen=True):
    """The editable fields of a token, as a client sends them; what is missing is the zero value of the original."""

    name: str | None = None
    expired_time: int | None = None
    remain_quota: int | None = None
    unlimited_quota: bool | None = None
    models: str | None = None
    subnet: str | None = None


class TokenQuery(msgspec.Struct, frozen=True):
    """One page of the caller's tokens. ``sort`` is a column, with ``-`` in front for descending."""

    page: int = 0
    size: int = 10
    search: str = ""
    """Part of the name, in any case."""
    status: int = 0
    """0 means any."""
    sort: str = "-id"


class TokenPage(msgspec.Struct, frozen=True):
    rows: list[TokenRow]
    total: int


class BillingStatement(msgspec.Struct, frozen=True):
    """A token's and its owner's figures, quota units."""

    token_remain: int
    token_used: int
    unlimited: bool
    user_remain: int
    user_used: int
