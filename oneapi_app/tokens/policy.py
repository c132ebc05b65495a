"""The rules of tokens, without a database: names, networks, quotas, who may be switched on again."""

import re
from ipaddress import ip_network

from oneapi_app.errors import Conflict, InvalidInput, invalid_parameter
from oneapi_app.kit.text import is_storable
from oneapi_app.models.token import DISABLED, ENABLED, EXHAUSTED, EXPIRED, NEVER_EXPIRES
from oneapi_app.tokens.schemas import TokenDraft

MAX_NAME_BYTES = 30
MAX_SUBNET_CHARACTERS = 191
"""The column's width on MySQL."""
MAX_MODELS_BYTES = 60_000
MAX_QUOTA = 2**53
"""Browsers and scripts read quotas as JSON numbers; beyond this they are no longer exact there."""
_MAX_TIME = 2**53
_STATUSES = frozenset({ENABLED, DISABLED, EXPIRED, EXHAUSTED})


def check_draft(draft: TokenDraft, *, stored_quota: int = 0) -> None:
    """Raises InvalidInput. A negative quota left behind by the original may stay, a new one may not be set."""
    check_name(draft.name or "")
    check_subnets(draft.subnet or "")
    if len((draft.models or "").encode(errors="replace")) > MAX_MODELS_BYTES or not is_storable(
        draft.models or ""
    ):
        raise InvalidInput(
            "参数错误：模型列表过长或含有非法字符", "the list of models is too long or unreadable"
        )
    if not -_MAX_TIME <= (draft.expired_time or 0) <= _MAX_TIME:
        raise InvalidInput("参数错误：无效的过期时间", "the expiry is out of range")
    check_quota(draft.remain_quota or 0, unlimited=bool(draft.unlimited_quota), stored=stored_quota)


def check_name(name: str) -> None:
    if len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        raise InvalidInput(
            "参数错误：令牌名称过长", f"a name has at most {MAX_NAME_BYTES} bytes (10 Chinese characters)"
        )
    if not is_storable(name):
        raise InvalidInput(
            "参数错误：令牌名称含有非法字符", "the name holds characters that cannot be stored"
        )


def check_quota(quota: int, *, unlimited: bool, stored: int) -> None:
    if quota < 0 and not unlimited and quota != stored:
        raise InvalidInput("参数错误：令牌额度不能为负数", "a token's quota cannot be negative")
    if not -MAX_QUOTA <= quota <= MAX_QUOTA:
        raise InvalidInput("参数错误：令牌额度过大", "the quota is too large")


def check_subnets(subnet: str) -> None:
    """A comma list of CIDRs; empty means anywhere."""
    if not subnet:
        return
    if len(subnet) > MAX_SUBNET_CHARACTERS:
        raise InvalidInput(
            "参数错误：无效的网段：过长", f"the networks take at most {MAX_SUBNET_CHARACTERS} characters"
        )
    for part in subnet.split(","):
        network = part.strip()
        if not is_network(network):
            shown = network if is_storable(network) else ""
            raise InvalidInput(
                f"参数错误：无效的网段：failed to parse subnet: invalid CIDR address: {shown}",
                f"not a network such as 10.0.0.0/8: {shown}",
            )


def is_network(text: str) -> bool:
    """``10.1.2.3/8`` and ``fd00::/8``; neither bare addresses nor netmasks."""
    if not re.fullmatch(r"[0-9A-Fa-f:.]+/\d{1,3}", text, re.ASCII):
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def check_status(status: int) -> None:
    """Only states the original knows are ever stored."""
    if status not in _STATUSES:
        raise invalid_parameter()


def check_can_enable(*, status: int, expired_time: int, remain_quota: int, unlimited: bool, now: int) -> None:
    """Raises Conflict where the stored token would only be refused again."""
    if status == EXPIRED and expired_time != NEVER_EXPIRES and expired_time <= now:
        raise Conflict(
            "令牌已过期，无法启用，请先修改令牌过期时间，或者设置为永不过期",
            "the token has expired: change its expiry first, or let it never expire",
        )
    if status == EXHAUSTED and remain_quota <= 0 and not unlimited:
        raise Conflict(
            "令牌可用额度已用尽，无法启用，请先修改令牌剩余额度，或者设置为无限额度",
            "the token's quota is used up: raise it first, or make it unlimited",
        )


def split_list(text: str | None) -> tuple[str, ...]:
    """A comma list without blanks and empty parts."""
    return tuple(part for part in (piece.strip() for piece in (text or "").split(",")) if part)
