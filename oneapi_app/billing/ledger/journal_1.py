"""Lines of the journal's first format, rewritten as today's: what a version before this one left behind is billed, too."""

import msgspec

from oneapi_app.billing.charge import Charge, ChargeHead, Gathered, figures_of, write_group

FORMAT = 1


class _Charge(msgspec.Struct, array_like=True, gc=False):
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


class _Settlement(msgspec.Struct, array_like=True, gc=False):
    collected_units: int
    token_limited: bool
    charge: _Charge


class _Group(msgspec.Struct, array_like=True, gc=False):
    sequence: int
    settlements: list[_Settlement]


_GROUPS = msgspec.json.Decoder(_Group)


def rewritten(payload: bytes) -> bytes:
    """Raises msgspec.MsgspecError."""
    group = _GROUPS.decode(payload)
    gathered: Gathered = {}
    for settlement in group.settlements:
        charge = _read(settlement)
        figures = figures_of(settlement.collected_units, charge)
        gathered[charge.head, settlement.token_limited, charge.write_log] = list(figures)
    return write_group(group.sequence, gathered)


def _read(settlement: _Settlement) -> Charge:
    charge = settlement.charge
    head = ChargeHead(
        user_id=charge.user_id,
        username=charge.username,
        token_id=charge.token_id,
        token_name=charge.token_name,
        channel_id=charge.channel_id,
        model_name=charge.model_name,
        content=charge.content,
        system_prompt_reset=charge.system_prompt_reset,
        usual_detail=("", ""),
    )
    return Charge(
        head,
        settlement.collected_units,  # what was not collected is in the detail already
        charge.prompt_tokens,
        charge.completion_tokens,
        charge.cached_tokens,
        charge.is_stream,
        charge.elapsed_ms,
        charge.first_token_ms,
        charge.request_id,
        charge.created_at,
        charge.write_log,
        0,
        str(charge.detail, "utf-8"),
    )
