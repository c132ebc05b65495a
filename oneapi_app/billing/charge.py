"""The bill of one relayed request, as the relay hands it to the ledger and as the journal keeps it."""

from typing import Any

import msgspec


class ChargeFacts(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """What the log row says. Order and meaning of the fields are the journal's format: see ``FORMAT``."""

    quota_units: int
    """The full price. What is collected may be less, and the log row says what was collected."""
    user_id: int
    username: str
    token_id: int
    token_name: str
    channel_id: int
    model_name: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    content: str
    """``policy.text_log`` or ``policy.media_log``."""
    is_stream: bool
    elapsed_ms: int
    first_token_ms: int
    """0 where nothing was streamed."""
    system_prompt_reset: bool
    request_id: str
    created_at: int
    write_log: bool
    """Option LogConsumeEnabled. Without a row the request is in no statistics either; it is billed all the same."""


class Charge(ChargeFacts, frozen=True, array_like=True, gc=False, kw_only=True):
    """``detail``: count_source, prices, attempts, ending; JSON values only, no prompts, no keys."""

    detail: dict[str, Any]


class RecordedCharge(ChargeFacts, frozen=True, array_like=True, gc=False, kw_only=True):
    """A charge read back from the journal; its detail stays JSON text on the way to the database."""

    detail: msgspec.Raw


class Settlement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One charge and what was collected of it. ``token_limited``: the token's quota pays too."""

    collected_units: int
    token_limited: bool
    charge: RecordedCharge


class Group(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Settlements journalled in one write; applied together or not at all. Sequences start at 1."""

    sequence: int
    settlements: list[Settlement]


FORMAT = 1
"""Of the journal. A change of the structures above needs a new number and a reader for the former one."""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Group)


def write_settlement(collected_units: int, token_limited: bool, charge: Charge) -> bytes:
    """JSON of a ``Settlement``. Never raises: what cannot be written is replaced, for the sum must not be lost."""
    try:
        return _ENCODER.encode((collected_units, token_limited, charge))
    except (UnicodeEncodeError, TypeError, ValueError) as error:
        facts = {
            name: _writable(getattr(charge, name)) for name in charge.__struct_fields__ if name != "detail"
        }
        readable = Charge(**facts, detail={"unwritable": type(error).__name__})
        return _ENCODER.encode((collected_units, token_limited, readable))


def _writable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def write_group(sequence: int, settlements: list[bytes]) -> bytes:
    """JSON of a ``Group`` from its settlements' JSON, on one line."""
    return b"[%d,[%b]]" % (sequence, b",".join(settlements))


def read_group(text: bytes) -> Group:
    """Raises msgspec.MsgspecError."""
    return _DECODER.decode(text)
