"""Redemption codes: admins make them, anybody with one redeems it, once.

Crediting is one conditional update of the code and one of the user in the same transaction, so that of any number
of redeemers at the same instant exactly one is credited.
"""

from oneapi_app.actor import ADMIN, COMMON, Actor, require_role
from oneapi_app.billing.policy import quota_text
from oneapi_app.errors import Conflict, InvalidInput, NotFound
from oneapi_app.events import BalanceChanged
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.ids import hex32
from oneapi_app.kit.paging import offset_of
from oneapi_app.kit.text import is_storable
from oneapi_app.models import Redemption
from oneapi_app.models.log import TOP_UP
from oneapi_app.models.redemption import ENABLED, USED
from oneapi_app.options import OptionValues
from oneapi_app.redemptions import policy, repository
from oneapi_app.redemptions.schemas import (
    RedeemedRow,
    RedemptionDraft,
    RedemptionPage,
    RedemptionQuery,
    RedemptionRow,
)
from oneapi_app.usage_log.service import write_log

PAGE_SIZE = 10
"""Of the REST API; fixed by the original."""
MAX_PAGE_SIZE = 100


def redeem(uow: UnitOfWork, actor: Actor, *, key: str, options: OptionValues) -> int:
    """Credits the caller and returns how much. Raises InvalidInput for an unknown, Conflict for a used code."""
    require_role(actor, COMMON)
    key = key.strip()
    if not key:
        raise InvalidInput("未提供兑换码", "enter a code")
    code = repository.find_key(uow.session, key) if is_storable(key) and len(key) <= 32 else None
    if code is None or code.id is None or code.key != key:
        raise InvalidInput("兑换失败，无效的兑换码", "this is not a valid code")
    if code.status != ENABLED or not repository.claim(uow.session, code.id, now_s()):
        raise Conflict("兑换失败，该兑换码已被使用", "this code has been used")
    quota = code.quota or 0
    if not repository.add_user_quota(uow.session, actor.user_id, quota):
        raise NotFound
    repository.note_redeemer(uow.session, code.id, actor.user_id)
    amount = quota_text(
        quota, in_currency=options.display_in_currency_enabled, units_per_currency=options.quota_per_unit
    )
    write_log(uow, TOP_UP, actor.user_id, actor.username, f"通过兑换码充值 {amount}")
    uow.publish(BalanceChanged(user_id=actor.user_id))
    return quota


def create(uow: UnitOfWork, actor: Actor, *, draft: RedemptionDraft) -> list[str]:
    """A batch of codes; the codes themselves. Raises InvalidInput."""
    require_role(actor, ADMIN)
    name, quota, count = draft.name or "", draft.quota or 0, draft.count or 0
    policy.check_name(name)
    policy.check_count(count)
    policy.check_quota(quota)
    now = now_s()
    keys = [hex32() for _ in range(count)]
    repository.insert(
        uow.session,
        [
            Redemption(
                user_id=actor.user_id,
                key=key,
                status=ENABLED,
                name=name,
                quota=quota or policy.DEFAULT_QUOTA,
                created_time=now,
                redeemed_time=0,
            )
            for key in keys
        ],
    )
    return keys


def list_newest(uow: UnitOfWork, actor: Actor, *, page: int = 0) -> list[RedemptionRow]:
    """One page of ten, as the REST API gives it."""
    require_role(actor, ADMIN)
    found = repository.list_newest(uow.session, offset=offset_of(page, PAGE_SIZE), limit=PAGE_SIZE)
    return [_row(code) for code in found]


def search(uow: UnitOfWork, actor: Actor, *, keyword: str) -> list[RedemptionRow]:
    """The code with this id and all whose name begins so; ``%`` and ``_`` mean themselves."""
    require_role(actor, ADMIN)
    if not is_storable(keyword):
        return []
    found = repository.find_named(uow.session, prefix=keyword, redemption_id=_id_in(keyword))
    return [_row(code) for code in found]


def page_codes(uow: UnitOfWork, actor: Actor, *, query: RedemptionQuery) -> RedemptionPage:
    """For the console: searched, filtered, sorted, with a total and who redeemed what."""
    require_role(actor, ADMIN)
    if not is_storable(query.search):
        return RedemptionPage([], 0)
    size = min(max(query.size, 1), MAX_PAGE_SIZE)
    text = query.search.strip()
    found, total = repository.list_page(
        uow.session,
        search=text,
        redemption_id=_id_in(text),
        status=query.status,
        sort=query.sort,
        offset=offset_of(query.page, size),
        limit=size,
    )
    used = [code.id for code in found if code.status == USED and code.id is not None]
    redeemers = repository.redeemers(uow.session, used)
    return RedemptionPage([RedeemedRow(_row(code), redeemers.get(code.id or 0, "")) for code in found], total)


def get(uow: UnitOfWork, actor: Actor, *, redemption_id: int) -> RedemptionRow:
    require_role(actor, ADMIN)
    return _row(_find(uow, redemption_id))


def update(uow: UnitOfWork, actor: Actor, *, redemption_id: int, name: str, quota: int) -> RedemptionRow:
    """Renames a code and changes what it is worth. A used code keeps both: its history is fixed."""
    require_role(actor, ADMIN)
    code = _find(uow, redemption_id)
    if name:  # the original lets an edit take the name away
        policy.check_name(name)
    policy.check_quota(quota)
    if code.status == USED and quota != code.quota:
        raise Conflict(
            "该兑换码已被使用，无法修改额度", "the code has been used; its amount cannot change any more"
        )
    repository.change(uow.session, redemption_id, {"name": name, "quota": quota})
    return _row(_find(uow, redemption_id))


def set_status(uow: UnitOfWork, actor: Actor, *, redemption_id: int, status: int) -> RedemptionRow:
    """Switches a code on or off. A used code stays used."""
    require_role(actor, ADMIN)
    policy.check_status(status)
    code = _find(uow, redemption_id)
    if code.status == USED and status != USED:
        raise Conflict("该兑换码已被使用", "this code has been used")
    repository.change(uow.session, redemption_id, {"status": status})
    return _row(_find(uow, redemption_id))


def delete(uow: UnitOfWork, actor: Actor, *, redemption_id: int) -> None:
    """Deleting what is not there is no error, as in the original."""
    require_role(actor, ADMIN)
    if 0 < redemption_id < 2**63:
        repository.remove(uow.session, redemption_id)


def delete_used(uow: UnitOfWork, actor: Actor) -> int:
    """All used codes; returns how many."""
    require_role(actor, ADMIN)
    return repository.remove_used(uow.session)


def _find(uow: UnitOfWork, redemption_id: int) -> Redemption:
    code = repository.find(uow.session, redemption_id) if 0 < redemption_id < 2**63 else None
    if code is None:
        raise NotFound
    return code


def _id_in(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _row(code: Redemption) -> RedemptionRow:
    return RedemptionRow(
        id=code.id or 0,
        user_id=code.user_id or 0,
        key=code.key or "",
        status=code.status or 0,
        name=code.name or "",
        quota=code.quota or 0,
        created_time=code.created_time or 0,
        redeemed_time=code.redeemed_time or 0,
    )
