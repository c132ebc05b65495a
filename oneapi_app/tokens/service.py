"""Tokens: everything one can do with one's own, and the few questions the relay asks.

People see and change their own tokens only, whatever their role. Balances written here reach the ledger
through BalanceChanged, edits reach the relay's memory through TokenChanged, both after the commit.
"""

import re
import secrets

from oneapi_app.actor import COMMON, Actor, require_role
from oneapi_app.errors import Conflict, InvalidInput, NotFound
from oneapi_app.events import BalanceChanged, TokenChanged
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.ids import token_key
from oneapi_app.kit.paging import offset_of
from oneapi_app.kit.text import is_storable
from oneapi_app.models import Token
from oneapi_app.models.token import ENABLED, NEVER_EXPIRES
from oneapi_app.tokens import policy, repository
from oneapi_app.tokens.schemas import (
    BillingStatement,
    CallerRecord,
    TokenDraft,
    TokenPage,
    TokenQuery,
    TokenRow,
)

PAGE_SIZE = 10
"""Of the REST API; fixed by the original."""
MAX_PAGE_SIZE = 100
_KEY_ATTEMPTS = 5


def load_caller(uow: UnitOfWork, key: str) -> CallerRecord | None:
    """The token with exactly this key and its owner, or None. One query."""
    if not re.fullmatch(r"[ -~]{1,48}", key):
        return None
    found = repository.find_caller(uow.session, key)
    # MySQL compares without case, and engines ignore trailing blanks: the key decides, here.
    if found is None or not secrets.compare_digest((found[0].key or "").encode(), key.encode()):
        return None
    token, user = found
    return CallerRecord(
        token_id=token.id or 0,
        key=key,
        token_name=token.name or "",
        status=token.status or 0,
        expired_time=token.expired_time or 0,
        remain_quota=token.remain_quota or 0,
        unlimited=bool(token.unlimited_quota),
        models=policy.split_list(token.models),
        subnets=policy.split_list(token.subnet),
        user_id=user.id or 0,
        username=user.username or "",
        role=user.role or 0,
        user_status=user.status or 0,
        group=user.group or "",
    )


def mark_expired(uow: UnitOfWork, token_id: int) -> None:
    """Status 3, written when a request meets a token past its time."""
    key = repository.expire(uow.session, token_id, now_s())
    if key is not None:
        uow.publish(TokenChanged(token_id, key))


def mark_exhausted(uow: UnitOfWork, token_id: int) -> None:
    """Status 4, written when a request meets a limited token with nothing left."""
    key = repository.exhaust(uow.session, token_id)
    if key is not None:
        uow.publish(TokenChanged(token_id, key))


def billing_statement(uow: UnitOfWork, token_id: int) -> BillingStatement:
    """What the billing endpoints tell of a token and its owner. Raises NotFound."""
    found = repository.find_with_owner(uow.session, token_id)
    if found is None:
        raise NotFound
    token, user = found
    return BillingStatement(
        token_remain=token.remain_quota or 0,
        token_used=token.used_quota or 0,
        unlimited=bool(token.unlimited_quota),
        user_remain=user.quota or 0,
        user_used=user.used_quota or 0,
    )


def create_default_token(uow: UnitOfWork, user_id: int) -> TokenRow:
    """What every new account starts with: unlimited, so the user's own balance is the limit."""
    return _insert(
        uow, user_id, TokenDraft(name="default", expired_time=-1, remain_quota=-1, unlimited_quota=True)
    )


def list_own(uow: UnitOfWork, actor: Actor, *, page: int = 0, order: str = "") -> list[TokenRow]:
    """One page of ten, as the REST API gives it."""
    require_role(actor, COMMON)
    found = repository.list_in_order(
        uow.session, actor.user_id, order, offset=offset_of(page, PAGE_SIZE), limit=PAGE_SIZE
    )
    return [_row(token) for token in found]


def search_own(uow: UnitOfWork, actor: Actor, *, prefix: str) -> list[TokenRow]:
    """All tokens whose name begins so; ``%`` and ``_`` mean themselves."""
    require_role(actor, COMMON)
    if not is_storable(prefix):
        return []
    return [_row(token) for token in repository.find_named(uow.session, actor.user_id, prefix)]


def page_own(uow: UnitOfWork, actor: Actor, *, query: TokenQuery) -> TokenPage:
    """For the console: searched, filtered, sorted, with a total."""
    require_role(actor, COMMON)
    if not is_storable(query.search):
        return TokenPage([], 0)
    size = min(max(query.size, 1), MAX_PAGE_SIZE)
    rows, total = repository.list_page(
        uow.session,
        actor.user_id,
        search=query.search.strip(),
        status=query.status,
        sort=query.sort,
        offset=offset_of(query.page, size),
        limit=size,
    )
    return TokenPage([_row(token) for token in rows], total)


def list_needing_attention(
    uow: UnitOfWork, actor: Actor, *, within_s: int, low_quota: int, limit: int = 5
) -> list[TokenRow]:
    """Enabled tokens that expire within so many seconds or have at most ``low_quota`` left."""
    require_role(actor, COMMON)
    now = now_s()
    found = repository.list_needing_attention(
        uow.session, actor.user_id, expires_before=now + within_s, now=now, low_quota=low_quota, limit=limit
    )
    return [_row(token) for token in found]


def get_own(uow: UnitOfWork, actor: Actor, *, token_id: int) -> TokenRow:
    require_role(actor, COMMON)
    return _row(_find(uow, actor, token_id))


def create(uow: UnitOfWork, actor: Actor, *, draft: TokenDraft) -> TokenRow:
    """A new, enabled token. Missing expiry means never. Raises InvalidInput."""
    require_role(actor, COMMON)
    policy.check_draft(draft)
    return _insert(uow, actor.user_id, draft)


def update(
    uow: UnitOfWork, actor: Actor, *, token_id: int, draft: TokenDraft, status: int | None = None
) -> TokenRow:
    """Overwrites the editable fields; ``remain_quota`` None leaves the balance alone, other Nones are zero values.

    The status stays as it is: an exhausted token that was given quota is switched on by ``set_status``. A
    ``status`` sent along is only checked, as the original does.
    """
    require_role(actor, COMMON)
    token = _find(uow, actor, token_id)
    policy.check_draft(draft, stored_quota=token.remain_quota or 0)
    if status == ENABLED:
        _check_can_enable(token)
    values = {
        "name": draft.name or "",
        "expired_time": draft.expired_time or 0,
        "unlimited_quota": bool(draft.unlimited_quota),
        "models": draft.models,
        "subnet": draft.subnet,
    }
    before = (token.remain_quota or 0, bool(token.unlimited_quota))
    if draft.remain_quota is not None:
        values["remain_quota"] = draft.remain_quota
    repository.update_own(uow.session, actor.user_id, token_id, values)
    row = _row(_find(uow, actor, token_id))
    uow.publish(TokenChanged(token_id, row.key))
    if before != (row.remain_quota, row.unlimited_quota):
        uow.publish(BalanceChanged(token_id=token_id))
    return row


def set_status(uow: UnitOfWork, actor: Actor, *, token_id: int, status: int) -> TokenRow:
    """Switches a token on or off. Raises Conflict where it has expired or has nothing left."""
    require_role(actor, COMMON)
    token = _find(uow, actor, token_id)
    policy.check_status(status)
    if status == ENABLED:
        _check_can_enable(token)
    repository.update_own(uow.session, actor.user_id, token_id, {"status": status})
    row = _row(_find(uow, actor, token_id))
    uow.publish(TokenChanged(token_id, row.key))
    return row


def delete(uow: UnitOfWork, actor: Actor, *, token_id: int) -> None:
    require_role(actor, COMMON)
    token = _find(uow, actor, token_id)
    key = token.key or ""
    repository.delete_own(uow.session, actor.user_id, token_id)
    uow.publish(TokenChanged(token_id, key))


def _insert(uow: UnitOfWork, user_id: int, draft: TokenDraft) -> TokenRow:
    now = now_s()
    for _ in range(_KEY_ATTEMPTS):
        token = Token(
            user_id=user_id,
            key=token_key(),
            name=draft.name or "",
            created_time=now,
            accessed_time=now,
            expired_time=draft.expired_time or NEVER_EXPIRES,
            remain_quota=draft.remain_quota or 0,
            unlimited_quota=bool(draft.unlimited_quota),
            models=draft.models,
            subnet=draft.subnet or "",
        )
        if repository.insert(uow.session, token):
            row = _row(token)
            uow.publish(TokenChanged(row.id, row.key))
            return row
    raise Conflict("请重试，系统生成的令牌竟然重复了！", "could not find an unused key, try again")


def _find(uow: UnitOfWork, actor: Actor, token_id: int) -> Token:
    if token_id == 0:
        raise InvalidInput("id 或 userId 为空！", "the id is missing")
    token = repository.find_own(uow.session, actor.user_id, token_id) if 0 < token_id < 2**63 else None
    if token is None:
        raise NotFound
    return token


def _check_can_enable(token: Token) -> None:
    policy.check_can_enable(
        status=token.status or 0,
        expired_time=token.expired_time or 0,
        remain_quota=token.remain_quota or 0,
        unlimited=bool(token.unlimited_quota),
        now=now_s(),
    )


def _row(token: Token) -> TokenRow:
    return TokenRow(
        id=token.id or 0,
        user_id=token.user_id or 0,
        key=token.key or "",
        status=token.status or 0,
        name=token.name or "",
        created_time=token.created_time or 0,
        accessed_time=token.accessed_time or 0,
        expired_time=token.expired_time or 0,
        remain_quota=token.remain_quota or 0,
        unlimited_quota=bool(token.unlimited_quota),
        used_quota=token.used_quota or 0,
        models=token.models,
        subnet=token.subnet,
    )
