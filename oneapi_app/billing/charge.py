"""The bill of one relayed request, as the relay hands it to the ledger and as the journal keeps it."""

from typing import Any, cast

import msgspec


class ChargeHead:
    """What all charges of one token for one model over one channel have in common, encoded once.

    ``content`` is the log row's text: ``policy.text_log`` or ``policy.media_log``. ``usual_detail``: what the row's detail
    is for most of them, a JSON object, in two parts with the attempt's duration between them.
    """

    __slots__ = ("recorded", "usual_detail")

    def __init__(
        self,
        *,
        user_id: int,
        username: str,
        token_id: int,
        token_name: str,
        channel_id: int,
        model_name: str,
        content: str,
        system_prompt_reset: bool,
        usual_detail: tuple[str, str],
    ) -> None:
        self.usual_detail = usual_detail
        texts = (user_id, username, token_id, token_name, channel_id, model_name, content)
        self.recorded = msgspec.Raw(_encoded((*texts, system_prompt_reset, usual_detail)))


class Charge(msgspec.Struct, gc=False):
    """One call's bill. ``detail`` is a JSON object: count_source, prices, attempts, ending; no prompts, no keys. None: the
    head's usual one.
    """

    head: ChargeHead
    quota_units: int
    """The full price. What is collected may be less, and the log row says what was collected."""
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    is_stream: bool
    elapsed_ms: int
    first_token_ms: int
    """0 where nothing was streamed."""
    request_id: str
    created_at: int
    write_log: bool
    """Option LogConsumeEnabled. Without a row the request is in no statistics either; it is billed all the same."""
    attempt_ms: int
    """Of the attempt that was accepted: for the usual detail."""
    detail: str | None = None


class RecordedHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ``ChargeHead`` read back from the journal."""

    user_id: int
    username: str
    token_id: int
    token_name: str
    channel_id: int
    model_name: str
    content: str
    system_prompt_reset: bool
    usual_detail: tuple[str, str]


class Entries(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Settlements that have a head in common. ``token_limited``: the token's quota pays, too. ``write_log`` as in ``Charge``.

    ``figures``: those of ``FIGURES`` for the first settlement, for the second, and so on; one list, so that reading,
    adding up and writing rows takes no step of Python for each settlement.
    """

    head: msgspec.Raw
    """A ``RecordedHead``."""
    token_limited: bool
    write_log: bool
    figures: list[Any]


FIGURES = ("created_at", "collected_units", "prompt_tokens", "completion_tokens", "cached_tokens", "is_stream",
           "elapsed_ms", "first_token_ms", "request_id", "attempt_ms", "detail")  # fmt: skip
"""``collected_units`` of the price, all the rest as in ``Charge``."""


class Group(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Settlements journalled in one write; applied together or not at all. Sequences start at 1."""

    sequence: int
    entries: list[Entries]


Gathered = dict[tuple[ChargeHead, bool, bool], list[Any]]
"""The figures of a group that is not written yet, by head, ``token_limited`` and ``write_log``."""

FORMAT = 2
"""Of the journal. A change of the structures above needs a new number and a reader for the former one."""

_ENCODER = msgspec.json.Encoder()
_GROUPS = msgspec.json.Decoder(Group)
_HEADS = msgspec.json.Decoder(RecordedHead)


def figures_of(collected_units: int, charge: Charge) -> tuple[Any, ...]:
    """Where less than the price was collected, the rest goes into its detail."""
    detail = charge.detail
    if collected_units != charge.quota_units:
        whole = str(charge.attempt_ms).join(charge.head.usual_detail) if detail is None else detail
        detail = f'{whole[:-1]},"uncollected_units":{charge.quota_units - collected_units:d}}}'
    return (
        charge.created_at,
        collected_units,
        charge.prompt_tokens,
        charge.completion_tokens,
        charge.cached_tokens,
        charge.is_stream,
        charge.elapsed_ms,
        charge.first_token_ms,
        charge.request_id,
        charge.attempt_ms,
        detail,
    )


def write_detail(fields: dict[str, Any]) -> str:
    """JSON of a ``Charge.detail``. Never raises: what cannot be written is replaced, for the sum must not be lost."""
    return _encoded(fields).decode()


def _encoded(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, TypeError, ValueError) as error:
        return _ENCODER.encode(_writable(value, error))


def _writable(value: Any, error: Exception) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return [
            _writable(each, error) if isinstance(each, str) else each
            for each in cast("tuple[Any, ...]", value)
        ]
    return {"unwritable": type(error).__name__}


def write_group(sequence: int, gathered: Gathered) -> bytes:
    """JSON of a ``Group``, on one line."""
    entries = [
        Entries(head.recorded, token_limited, write_log, figures)
        for (head, token_limited, write_log), figures in gathered.items()
    ]
    return _ENCODER.encode(Group(sequence, entries))


def read_group(text: bytes) -> Group:
    """Raises msgspec.MsgspecError."""
    return _GROUPS.decode(text)


def read_head(text: bytes) -> RecordedHead:
    """Raises msgspec.MsgspecError."""
    return _HEADS.decode(text)
