"""From headers to a caller: the token checks of contract §6.1, in their order."""

import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import msgspec

from oneapi_app.models import token as token_states
from oneapi_app.models import user as user_states
from oneapi_app.relay.callers import Callers
from oneapi_app.relay.refusals import forbidden, unauthorized
from oneapi_app.tokens.schemas import CallerRecord

ADMIN = 10


class Credential(msgspec.Struct, frozen=True, gc=False):
    """A presented key: the part before the first ``-``, and the channel asked for behind it."""

    key: str
    channel: str | None


def read_credential(authorization: bytes | None) -> Credential:
    """``Bearer sk-KEY``, ``Bearer KEY``, ``sk-KEY``, and each with ``-CHANNEL`` at the end."""
    text = (authorization or b"").decode("latin-1").removeprefix("Bearer ").removeprefix("sk-")
    key, separator, rest = text.partition("-")
    return Credential(key, rest.partition("-")[0] if separator else None)


async def authenticate(callers: Callers, credential: Credential) -> CallerRecord:
    """The token's record. Raises Refusal 401; status 3 and 4 are the caller's last stored states."""
    if not credential.key:
        raise unauthorized("未提供令牌")
    caller = callers.known(credential.key) or await callers.find(credential.key)
    if caller is None:
        raise unauthorized("无效的令牌")
    if caller.status == token_states.EXHAUSTED:
        raise unauthorized(f"令牌 {caller.token_name}（#{caller.token_id}）额度已用尽")
    if caller.status == token_states.EXPIRED:
        raise unauthorized("该令牌已过期")
    if caller.status != token_states.ENABLED:
        raise unauthorized("该令牌状态不可用")
    return caller


def has_expired(caller: CallerRecord) -> bool:
    return caller.expired_time != token_states.NEVER_EXPIRES and caller.expired_time < time.time()


def check_user_and_network(caller: CallerRecord, address_of_caller: Callable[[], str]) -> None:
    """Raises Refusal 403 where the address is outside the token's networks or the owner is banned."""
    if caller.subnets:
        address = address_of_caller()
        if not _in_networks(address, caller.subnets):
            networks = ",".join(caller.subnets)
            raise forbidden(f"该令牌只能在指定网段使用：{networks}，当前 ip：{address}")
    if caller.user_status != user_states.ENABLED:
        raise forbidden("用户已被封禁")


def check_model(caller: CallerRecord, model: str) -> None:
    """Raises Refusal 403 for a model outside the token's list."""
    if caller.models and model and model not in caller.models:
        raise forbidden(f"该令牌无权使用模型：{model}")


def check_channel_choice(caller: CallerRecord, credential: Credential) -> None:
    """Only admins may name a channel."""
    if credential.channel is not None and caller.role < ADMIN:
        raise forbidden("普通用户不支持指定渠道")


def _in_networks(address: str, networks: tuple[str, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        parsed = mapped
    return any(_contains(network, parsed) for network in networks)


def _contains(network: str, address: object) -> bool:
    try:
        return address in ip_network(network.strip(), strict=False)
    except (ValueError, TypeError):
        return False
