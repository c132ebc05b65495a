"""What admins do with other people's accounts. Only ever with lower roles than their own, root excepted."""

import msgspec

from oneapi_app.accounts import policy, repository
from oneapi_app.accounts.schemas import AdminTopUp, Manage, UserDraft, UserPage, UserPatch, UserQuery, UserRow
from oneapi_app.accounts.service import empty_row, insert_user, mark_deleted, rename, to_row
from oneapi_app.actor import ADMIN, COMMON, ROOT, Actor, require_role
from oneapi_app.billing.policy import quota_text
from oneapi_app.errors import Conflict, Forbidden, InvalidInput, NotFound, invalid_parameter
from oneapi_app.events import BalanceChanged, UserChanged
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.paging import offset_of
from oneapi_app.kit.passwords import hash_password
from oneapi_app.kit.text import is_storable
from oneapi_app.models import User
from oneapi_app.models.log import MANAGE, TOP_UP
from oneapi_app.models.user import DISABLED, ENABLED
from oneapi_app.options import OptionValues
from oneapi_app.usage_log.service import write_log

PAGE_SIZE = 10
"""Of the REST API; fixed by the original."""
MAX_PAGE_SIZE = 100
MAX_REMARK_CHARS = 500


def list_users(uow: UnitOfWork, actor: Actor, *, page: int = 0, order: str = "") -> list[UserRow]:
    require_role(actor, ADMIN)
    found = repository.in_order(uow.session, order, offset_of(page, PAGE_SIZE), PAGE_SIZE)
    return [to_row(user) for user in found]


def search_users(uow: UnitOfWork, actor: Actor, *, keyword: str) -> list[UserRow]:
    require_role(actor, ADMIN)
    if not is_storable(keyword):
        return []
    return [to_row(user) for user in repository.search(uow.session, keyword)]


def page_users(uow: UnitOfWork, actor: Actor, *, query: UserQuery) -> UserPage:
    """For the console: searched, filtered, sorted, with a total."""
    require_role(actor, ADMIN)
    size = min(max(query.size, 1), MAX_PAGE_SIZE)
    if not is_storable(query.search):
        return UserPage([], 0)
    query = msgspec.structs.replace(query, size=size)
    rows, total = repository.page(uow.session, query)
    return UserPage([to_row(user) for user in rows], total)


def get_user(uow: UnitOfWork, actor: Actor, *, user_id: int) -> UserRow:
    require_role(actor, ADMIN)
    user = _find(uow, user_id)
    policy.check_may_see(actor, user.role or 0)
    return to_row(user)


def create_user(uow: UnitOfWork, actor: Actor, *, draft: UserDraft, options: OptionValues) -> int:
    """Always a common user, whatever role was sent; its id."""
    require_role(actor, ADMIN)
    if not draft.username.strip() or not draft.password:
        raise invalid_parameter()
    policy.check_lengths(username=draft.username, password=draft.password, display_name=draft.display_name)
    if draft.role >= actor.role:
        raise Forbidden("无法创建权限大于等于自己的用户", "you cannot create users of your own role or above")
    user = User(
        username=draft.username,
        password=hash_password(draft.password),
        display_name=draft.display_name or draft.username,
        role=COMMON,
    )
    return insert_user(uow, user, options=options)


def update_user(uow: UnitOfWork, actor: Actor, *, patch: UserPatch, options: OptionValues) -> None:
    """Writes what is not zero, as the original does. A new quota leaves a log row and reaches the ledger."""
    require_role(actor, ADMIN)
    if patch.id <= 0:
        raise invalid_parameter()
    policy.check_lengths(password=patch.password, display_name=patch.display_name, email=patch.email)
    policy.check_group(patch.group)
    for identity in (patch.github_id, patch.wechat_id, patch.lark_id, patch.oidc_id):
        policy.check_identity(identity)
    if patch.quota < 0 or patch.quota > policy.MAX_QUOTA:
        raise invalid_parameter()
    user = repository.find(uow.session, patch.id, lock=True) if patch.id < 2**63 else None
    if user is None:
        raise NotFound
    policy.check_may_edit(actor, user.role or 0)
    policy.check_may_give_role(actor, patch.role)
    if patch.username and patch.username != user.username:
        policy.check_lengths(username=patch.username)
        rename(uow, user, patch.username)
    for name in ("display_name", "email", "github_id", "wechat_id", "lark_id", "oidc_id", "group"):
        if value := getattr(patch, name):
            setattr(user, name, value)
    if patch.role in (COMMON, ADMIN, ROOT) and user.role != ROOT:
        user.role = patch.role
    if patch.status in (ENABLED, DISABLED) and user.role != ROOT:
        _set_status(uow, user, patch.status)
    if patch.password:
        user.password = hash_password(patch.password)
        but = actor.session_id if actor.user_id == user.id else None
        repository.end_sessions(uow.session, patch.id, but=but)
    if patch.quota and patch.quota != user.quota:
        _set_quota(uow, user, patch.quota, options)
    uow.publish(UserChanged(patch.id))


def adjust_quota(
    uow: UnitOfWork, actor: Actor, *, user_id: int, units: int, reason: str, options: OptionValues
) -> None:
    """Adds or takes away, never below zero, with a reason for the log."""
    require_role(actor, ADMIN)
    user = repository.find(uow.session, user_id, lock=True)
    if user is None:
        raise NotFound
    policy.check_may_edit(actor, user.role or 0)
    after = (user.quota or 0) + units
    if not 0 <= after <= policy.MAX_QUOTA:
        raise InvalidInput("额度不能为负数", "the balance cannot become negative")
    _set_quota(uow, user, after, options, reason)


def _set_quota(uow: UnitOfWork, user: User, units: int, options: OptionValues, reason: str = "") -> None:
    text = f"管理员将用户额度从 {_money(user.quota or 0, options)}修改为 {_money(units, options)}"
    if reason:
        text += f"（{reason[:MAX_REMARK_CHARS]}）"
    user.quota = units
    write_log(uow, MANAGE, user.id or 0, user.username or "", text)
    uow.publish(BalanceChanged(user_id=user.id))


def manage_user(uow: UnitOfWork, actor: Actor, *, order: Manage) -> UserRow:
    """disable, enable, delete, promote, demote; anything else does nothing. A row with role and status only."""
    require_role(actor, ADMIN)
    user = repository.find_by_name(uow.session, order.username) if "\0" not in order.username else None
    if user is None:
        raise NotFound("用户不存在", "there is no such user")
    policy.check_may_edit(actor, user.role or 0)
    is_root = user.role == ROOT
    match order.action:
        case "disable":
            if is_root:
                raise Forbidden("无法禁用超级管理员用户", "the root account cannot be disabled")
            _set_status(uow, user, DISABLED)
        case "enable":
            _set_status(uow, user, ENABLED)
        case "delete":
            if is_root:
                raise Forbidden("无法删除超级管理员用户", "the root account cannot be deleted")
            mark_deleted(uow, user)
        case "promote":
            if actor.role != ROOT:
                raise Forbidden("普通管理员用户无法提升其他用户为管理员", "only root may promote")
            if (user.role or 0) >= ADMIN:
                raise Conflict("该用户已经是管理员", "this user is an admin already")
            user.role = ADMIN
        case "demote":
            if is_root:
                raise Forbidden("无法降级超级管理员用户", "the root account cannot be demoted")
            if user.role == COMMON:
                raise Conflict("该用户已经是普通用户", "this user is a common user already")
            user.role = COMMON
        case _:
            pass
    uow.publish(UserChanged(user.id or 0))
    return msgspec.structs.replace(empty_row(), role=user.role or 0, status=user.status or 0)


def _set_status(uow: UnitOfWork, user: User, status: int) -> None:
    """Sessions from before a ban do not come back with its end; until then they are how the banned learn of it."""
    if status == ENABLED and user.status != ENABLED:
        repository.end_sessions(uow.session, user.id or 0)
    user.status = status


def delete_user(uow: UnitOfWork, actor: Actor, *, user_id: int) -> None:
    require_role(actor, ADMIN)
    user = _find(uow, user_id)
    if actor.role <= (user.role or 0):
        raise Forbidden(
            "无权删除同权限等级或更高权限等级的用户", "you may not delete users of your own or a higher role"
        )
    mark_deleted(uow, user)


def top_up(uow: UnitOfWork, actor: Actor, *, order: AdminTopUp, options: OptionValues) -> None:
    """The hook of payment systems: adds quota and leaves a log row."""
    require_role(actor, ADMIN)
    if order.quota < 0:
        raise InvalidInput("quota 不能为负数！", "quota must not be negative")
    user = repository.find(uow.session, order.user_id, lock=True) if 0 < order.user_id < 2**63 else None
    if user is None:
        raise NotFound
    after = (user.quota or 0) + order.quota
    if after > policy.MAX_QUOTA:
        raise invalid_parameter()
    user.quota = after
    remark = (
        order.remark.replace("\0", "")[:MAX_REMARK_CHARS] or f"通过 API 充值 {_money(order.quota, options)}"
    )
    write_log(uow, TOP_UP, order.user_id, user.username or "", remark, order.quota)
    uow.publish(BalanceChanged(user_id=order.user_id))


def _find(uow: UnitOfWork, user_id: int) -> User:
    user = repository.find(uow.session, user_id)
    if user is None:
        raise NotFound
    return user


def _money(units: int, options: OptionValues) -> str:
    return quota_text(
        units, in_currency=options.display_in_currency_enabled, units_per_currency=options.quota_per_unit
    )
