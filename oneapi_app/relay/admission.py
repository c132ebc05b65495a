"""From headers to a caller: the token checks of contract §6.1, in their order.

Who was let in gets a ``Pass``, so that the next call with the same header need not be looked into again until
something may have changed.
"""

import re
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import msgspec

from oneapi_app.billing.ledger import Account
from oneapi_app.models import token as token_states
from oneapi_app.models import user as user_states
from oneapi_app.relay.callers import Callers
from oneapi_app.relay.lanes import Way
from oneapi_app.relay.refusals import forbidden, unauthorized, unknown_channel
from oneapi_app.tokens.schemas import CallerRecord

ADMIN = 10
_CHANNEL_ID = re.compile(r"[0-9]{1,18}")
_MOST_PASSES = 100_000
_LONGEST_HEADER = 256
"""Of a pass; a key has 48 characters, and callers may write anything behind it."""


class Credential(msgspec.Struct, frozen=True, gc=False):
    """A presented key: the part before the first ``-``, and the channel asked for behind it."""

    key: str
    channel: str | None


def read_credential(authorization: bytes) -> Credential:
    """``Bearer sk-KEY``, ``Bearer KEY``, ``sk-KEY``, and each with ``-CHANNEL`` at the end."""
    text = authorization.decode("latin-1").removeprefix("Bearer ").removeprefix("sk-")
    key, separator, rest = text.partition("-")
    return Credential(key, rest.partition("-")[0] if separator else None)


class Pass(msgspec.Struct, gc=False):
    """A credential that has passed every check. ``until``: on the monotonic clock. ``quota``: the token's account,
    which has to be looked at each time; None where it does not limit. ``ways``: of chats, by model.
    """

    caller: CallerRecord
    channel: str | None
    quota: Account | None
    version: int
    until: float
    ways: dict[str, Way] = {}


class Passes:
    """Passes by the whole header. In memory, bounded.

    Timing says nothing about stored keys: bytes are looked up by a hash with a secret of this process (SipHash), and
    compared only where that is the same.
    """

    def __init__(self, callers: Callers, clock: Callable[[], float] = time.monotonic) -> None:
        self._callers = callers
        self._clock = clock
        self._issued: dict[bytes, Pass] = {}

    def valid(self, authorization: bytes) -> Pass | None:
        """None: the credential has to go through the checks."""
        issued = self._issued.get(authorization)
        if issued is None or issued.version != self._callers.version or issued.until < self._clock():
            return None
        quota = issued.quota
        return issued if quota is None or quota.available > 0 else None

    def issue(
        self, authorization: bytes, caller: CallerRecord, channel: str | None, account: Account
    ) -> Pass:
        """For a caller who has just passed; remembered as long as only the account's balance need be looked at."""
        callers = self._callers
        lasting_s = callers.fresh_for(caller)
        if caller.expired_time != token_states.NEVER_EXPIRES:
            lasting_s = min(lasting_s, caller.expired_time - time.time())
        quota = None if caller.unlimited else account
        issued = Pass(caller, channel, quota, callers.version, self._clock() + lasting_s)
        if not caller.subnets and len(authorization) <= _LONGEST_HEADER:
            if len(self._issued) >= _MOST_PASSES:
                self._issued.clear()
            self._issued[authorization] = issued
        return issued


async def authenticate(callers: Callers, credential: Credential) -> CallerRecord:
    """The token's record. Raises Refusal 401; status 3 and 4 are the caller's last stored states."""
    if not credential.key:
        raise unauthorized("未提供令牌")
    caller = await callers.find(credential.key)
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


def pinned_channel(caller: CallerRecord, channel: str) -> int:
    """The channel a credential names. Raises Refusal 403 for whoever is no admin, 400 for what is no number."""
    if caller.role < ADMIN:
        raise forbidden("普通用户不支持指定渠道")
    if not _CHANNEL_ID.fullmatch(channel):
        raise unknown_channel()
    return int(channel)


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
