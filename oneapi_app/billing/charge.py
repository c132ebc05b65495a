"""The bill of one relayed request, as the relay hands it to the ledger and as the journal keeps it."""

from typing import Any, cast

import msgspec


class ChargeHead:
    """What all charges of one token for one model over one channel have in common, encoded once.

    ``content`` is the log row's text: ``policy.text_log`` or ``policy.media_log``.
    """

    __slots__ = ("content", "system_prompt_reset", "token_id", "user_id", "who")

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
    ) -> None:
        self.user_id = user_id
        self.token_id = token_id
        names = (user_id, username, token_id, token_name, channel_id, model_name)
        self.who = _encoded(names)[1:-1]
        self.content = _encoded(content)
        self.system_prompt_reset = _BOOLEAN[system_prompt_reset]

    def plain_bill(self, detail: bytes) -> bytes:
        """A ``Settlement`` as ``write_settlement`` writes it, of whole answers paid in full, but for its figures.

        They go in with ``%``: what was collected, whether the token is limited, the price; tokens of prompt, answer
        and cache; milliseconds of the call; its request id, plain ASCII; its time, whether it is logged, and those of
        ``detail``.
        """
        who, content = self.who.replace(b"%", b"%%"), self.content.replace(b"%", b"%%")
        return _PLAIN_BILL % (who, content, self.system_prompt_reset, detail)


class Charge(msgspec.Struct, gc=False):
    """One call's bill. ``detail`` is a JSON object: count_source, prices, attempts, ending; no prompts, no keys."""

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
    detail: bytes


class RecordedCharge(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A charge read back from the journal: see ``FORMAT``. Its detail stays JSON text on the way to the database."""

    quota_units: int
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
    is_stream: bool
    elapsed_ms: int
    first_token_ms: int
    system_prompt_reset: bool
    request_id: str
    created_at: int
    write_log: bool
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
_BOOLEAN = {False: b"false", True: b"true"}
_SETTLEMENT = b"[%d,%b,[%d,%b,%d,%d,%d,%b,%b,%d,%d,%b,%b,%d,%b,%b]]"
"""A ``Settlement`` around a ``RecordedCharge``, in the order of their fields; ``ChargeHead.who`` is six of them."""
_PLAIN_BILL = b'[%%d,%%b,[%%d,%b,%%d,%%d,%%d,%b,false,%%d,0,%b,"%%b",%%d,%%b,%b]]'
"""The same, with what is known beforehand to be filled in."""


def write_settlement(collected_units: int, token_limited: bool, charge: Charge) -> bytes:
    """JSON of a ``Settlement``. Where less than the price was collected, the rest goes into its detail."""
    head = charge.head
    detail = charge.detail
    if collected_units != charge.quota_units:
        detail = b'%b,"uncollected_units":%d}' % (detail[:-1], charge.quota_units - collected_units)
    return _SETTLEMENT % (
        collected_units,
        _BOOLEAN[token_limited],
        charge.quota_units,
        head.who,
        charge.prompt_tokens,
        charge.completion_tokens,
        charge.cached_tokens,
        head.content,
        _BOOLEAN[charge.is_stream],
        charge.elapsed_ms,
        charge.first_token_ms,
        head.system_prompt_reset,
        _encoded(charge.request_id),
        charge.created_at,
        _BOOLEAN[charge.write_log],
        detail,
    )


def write_detail(fields: dict[str, Any]) -> bytes:
    """JSON of a ``Charge.detail``. Never raises: what cannot be written is replaced, for the sum must not be lost."""
    return _encoded(fields)


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


def write_group(sequence: int, settlements: list[bytes]) -> bytes:
    """JSON of a ``Group`` from its settlements' JSON, on one line."""
    return b"[%d,[%b]]" % (sequence, b",".join(settlements))


def read_group(text: bytes) -> Group:
    """Raises msgspec.MsgspecError."""
    return _DECODER.decode(text)
