"""What goes into and comes out of the channel service. Credentials only ever go in, or to the relay."""

from typing import Any, Literal, Protocol

import msgspec

from oneapi_app.models.channel import ENABLED


class ChannelRecord(msgspec.Struct, frozen=True):
    """A channel as the relay needs it, credential included: never leaves the process."""

    id: int
    type: int
    name: str
    key: str
    base_url: str
    """Without a slash at the end; empty means the provider's own."""
    config: dict[str, str]
    other: str
    models: tuple[str, ...]
    groups: tuple[str, ...]
    model_mapping: dict[str, str]
    priority: int
    weight: int
    status: int
    system_prompt: str

    @property
    def enabled(self) -> bool:
        return self.status == ENABLED


class ChannelRow(msgspec.Struct, frozen=True):
    """One channel in the fields of the REST API; ``key`` is always empty."""

    id: int
    type: int
    key: str
    status: int
    name: str
    weight: int | None
    created_time: int
    test_time: int
    response_time: int
    base_url: str | None
    other: str | None
    balance: float
    balance_updated_time: int
    models: str
    group: str
    used_quota: int
    model_mapping: str | None
    priority: int | None
    config: str
    system_prompt: str | None


class Catalogue(msgspec.Struct, frozen=True):
    """Models in the form of OpenAI's model list."""

    object: Literal["list"]
    data: list[dict[str, Any]]


class ChannelState(msgspec.Struct, frozen=True):
    """Why a channel has its status, and how the last test went."""

    channel_id: int
    status_reason: str = ""
    status_since: int = 0
    tested_model: str = ""
    test_message: str = ""


class ChannelDraft(msgspec.Struct, frozen=True):
    """A channel as a client sends it; ``msgspec.UNSET`` means the field was not in the body."""

    id: int = 0
    type: int = 0
    key: str = ""
    status: int = 0
    name: str = ""
    weight: int | msgspec.UnsetType | None = msgspec.UNSET
    base_url: str | msgspec.UnsetType | None = msgspec.UNSET
    other: str | msgspec.UnsetType | None = msgspec.UNSET
    models: str = ""
    group: str = ""
    model_mapping: str | msgspec.UnsetType | None = msgspec.UNSET
    priority: int | msgspec.UnsetType | None = msgspec.UNSET
    config: str = ""
    system_prompt: str | msgspec.UnsetType | None = msgspec.UNSET


class ChannelQuery(msgspec.Struct, frozen=True):
    """One page for the console. ``sort`` is a column, with ``-`` in front for descending; 0 and "" mean any."""

    page: int = 0
    size: int = 20
    search: str = ""
    status: int = 0
    type: int = 0
    group: str = ""
    model: str = ""
    sort: str = "-id"


class ChannelPage(msgspec.Struct, frozen=True):
    rows: list[ChannelRow]
    states: dict[int, ChannelState]
    total: int


class UsedValues(msgspec.Struct, frozen=True):
    """What occurs among the channels there are, for filters to offer."""

    types: list[int]
    groups: list[str]
    models: list[str]


class ProbeResult(msgspec.Struct, frozen=True):
    """How a test went. ``message`` is the model's answer, or the vendor's own error text."""

    ok: bool
    message: str
    elapsed_ms: int
    status: int = 200
    type: str = ""
    code: str = ""
    local: bool = False


class Probe(Protocol):
    """Asks one model of one channel something short, through the relay's own path."""

    async def __call__(self, record: ChannelRecord, model: str) -> ProbeResult: ...


class Trouble(msgspec.Struct, frozen=True):
    """An enabled channel that did not do well in a test and stayed enabled all the same."""

    channel_id: int
    name: str
    reason: str


class ProbeReport(msgspec.Struct):
    """What a bulk test has found. ``good``: channels that answered; ``switched_off``: those it disabled."""

    tested: int = 0
    good: int = 0
    switched_off: int = 0
    troubled: list[Trouble] = []
