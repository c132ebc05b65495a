"""What people do with their own account: sign in and out, register, read and change themselves."""

import msgspec
from sqlalchemy.exc import IntegrityError

from oneapi_app.accounts import codes, policy, repository, sessions
from oneapi_app.accounts.schemas import Credentials, Registration, SelfPatch, SessionRow, SignedIn, UserRow
from oneapi_app.actor import COMMON, ROOT, Actor, require_role
from oneapi_app.billing.policy import quota_text
from oneapi_app.errors import Conflict, Forbidden, InvalidInput, NotFound, invalid_input, invalid_parameter
from oneapi_app.events import BalanceChanged, UserChanged
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.ids import hex32, random_text
from oneapi_app.kit.passwords import hash_password, verify_password
from oneapi_app.models import User
from oneapi_app.models.log import SYSTEM
from oneapi_app.models.user import DELETED, ENABLED
from oneapi_app.options import OptionValues
from oneapi_app.tokens.service import create_default_token
from oneapi_app.usage_log.service import write_log

_NOBODY = "$2a$10$kUTiSQa2lTRad3cVniXmJuMocFHGt5TF9vSOjdWUNrCRYZWkLPUk6"
"""Checked for unknown names, so that they take as long as wrong passwords."""
_CODE_ATTEMPTS = 20
_RESET_PASSWORD_CHARS = 12


def sign_in(
    uow: UnitOfWork,
    *,
    credentials: Credentials,
    options: OptionValues,
    address: str = "",
    user_agent: str = "",
) -> SignedIn:
    """By name or e-mail. Raises Forbidden with the same words whatever was wrong."""
    if not options.password_login_enabled:
        raise Forbidden("管理员关闭了密码登录", "signing in with a password is switched off")
    if not credentials.username or not credentials.password:
        raise invalid_parameter()
    user = _find_login(uow, credentials.username)
    good = verify_password(credentials.password, user.password if user else _NOBODY)
    if user is None or not good or user.status != ENABLED:
        raise Forbidden(
            "用户名或密码错误，或用户已被封禁", "wrong name or password, or the account is banned"
        )
    return open_signed_in(uow, user, address=address, user_agent=user_agent)


def open_signed_in(uow: UnitOfWork, user: User, *, address: str = "", user_agent: str = "") -> SignedIn:
    """A session for somebody whose identity has been established."""
    cookie = sessions.open_session(uow, user.id or 0, address=address, user_agent=user_agent)
    shown = msgspec.structs.replace(
        empty_row(),
        id=user.id or 0,
        username=user.username or "",
        display_name=user.display_name or "",
        role=user.role or 0,
        status=user.status or 0,
    )
    must_change = user.role == ROOT and policy.is_initial_password(user.password)
    return SignedIn(shown, cookie, must_change)


def _find_login(uow: UnitOfWork, name: str) -> User | None:
    if "\0" in name or len(name) > 255:
        return None
    found = repository.find_by_name(uow.session, name)
    if found is not None or not policy.is_email(name):
        return found
    owners = repository.find_by_email(uow.session, name)
    return owners[0] if len(owners) == 1 else None


def sign_out(uow: UnitOfWork, *, cookie: str) -> None:
    sessions.close_session(uow, cookie)


def register(uow: UnitOfWork, *, registration: Registration, options: OptionValues) -> int:
    """A new account with a password; its id. Uses up the code where e-mail addresses are verified."""
    if not options.register_enabled:
        raise Forbidden("管理员关闭了新用户注册", "new accounts are switched off")
    if not options.password_register_enabled:
        raise Forbidden(
            "管理员关闭了通过密码进行注册，请使用第三方账户验证的形式进行注册",
            "registering with a password is switched off; sign up with a third-party account",
        )
    if not registration.username.strip() or not registration.password:
        raise invalid_input()
    policy.check_lengths(
        username=registration.username, password=registration.password, email=registration.email
    )
    inviter = repository.find_by_aff_code(uow.session, registration.aff_code)
    user = User(
        username=registration.username,
        password=hash_password(registration.password),
        display_name=registration.username,
        email=_verified_email(uow, registration) if options.email_verification_enabled else "",
    )
    return insert_user(uow, user, options=options, inviter_id=inviter.id if inviter else None)


def _verified_email(uow: UnitOfWork, registration: Registration) -> str:
    if not registration.email or not registration.verification_code:
        raise InvalidInput(
            "管理员开启了邮箱验证，请输入邮箱地址和验证码",
            "e-mail addresses are verified here: enter yours and the code sent to it",
        )
    _use_code(uow, registration.email, registration.verification_code)
    if repository.is_email_taken(uow.session, registration.email):
        raise email_taken()
    return registration.email


def _use_code(uow: UnitOfWork, email: str, code: str) -> None:
    if not codes.use(uow, purpose=codes.EMAIL, address=email, code=code):
        raise InvalidInput("验证码错误或已过期", "the code is wrong or has expired")


def email_taken() -> Conflict:
    return Conflict("邮箱地址已被占用", "this e-mail address is in use already")


def bind_email(uow: UnitOfWork, actor: Actor, *, email: str, code: str) -> None:
    """The actor's address, proven by the code sent there."""
    require_role(actor, COMMON)
    _use_code(uow, email, code)
    if repository.is_email_taken(uow.session, email, by_other_than=actor.user_id):
        raise email_taken()
    _own(uow, actor).email = email
    uow.publish(UserChanged(actor.user_id))


def owners_of(uow: UnitOfWork, email: str) -> list[User]:
    """Whose mail goes there. MySQL also finds addresses that differ in case or accents: those are other people's."""
    return [user for user in repository.find_by_email(uow.session, email) if user.email == email]


def reset_password(uow: UnitOfWork, *, email: str, token: str) -> str:
    """A new random password for every account of the address, and an end to their sessions."""
    if not codes.use(uow, purpose=codes.PASSWORD_RESET, address=email, code=token):
        raise InvalidInput("重置链接非法或已过期", "the reset link is not valid or has expired")
    password = random_text(_RESET_PASSWORD_CHARS)
    hashed = hash_password(password)
    for user in owners_of(uow, email):
        user.password = hashed
        repository.end_sessions(uow.session, user.id or 0)
        uow.publish(UserChanged(user.id or 0))
    return password


def insert_user(uow: UnitOfWork, user: User, *, options: OptionValues, inviter_id: int | None = None) -> int:
    """The one way accounts come to be: codes, gifts, log rows and the default token. Raises Conflict."""
    if repository.find_by_name(uow.session, user.username or "") is not None:
        raise NameTaken
    user.role = user.role or COMMON
    user.status = ENABLED
    user.group = user.group or "default"
    user.access_token = hex32()
    user.aff_code = _free_aff_code(uow)
    user.inviter_id = inviter_id or 0
    user.quota = options.quota_for_new_user
    if inviter_id and options.quota_for_invitee > 0:
        user.quota += options.quota_for_invitee
    uow.session.add(user)
    _flush_name(uow)
    assert user.id is not None
    name = user.username or ""
    if options.quota_for_new_user > 0:
        write_log(uow, SYSTEM, user.id, name, f"新用户注册赠送 {_money(options.quota_for_new_user, options)}")
    if inviter_id:
        if options.quota_for_invitee > 0:
            write_log(
                uow, SYSTEM, user.id, name, f"使用邀请码赠送 {_money(options.quota_for_invitee, options)}"
            )
        if options.quota_for_inviter > 0:
            _reward(uow, inviter_id, options)
    create_default_token(uow, user.id)
    return user.id


def rename(uow: UnitOfWork, user: User, username: str) -> None:
    """Raises Conflict where the name is another's; on MySQL names that differ in case are one name."""
    owner = repository.find_by_name(uow.session, username)
    if owner is not None and owner.id != user.id:
        raise NameTaken
    user.username = username
    _flush_name(uow)


def _flush_name(uow: UnitOfWork) -> None:
    """Raises Conflict where somebody else took the name in the same instant."""
    try:
        uow.session.flush()
    except IntegrityError:
        raise NameTaken from None


class NameTaken(Conflict):
    """Another user has this name."""

    def __init__(self) -> None:
        super().__init__("用户名已存在", "this user name is taken")


def _reward(uow: UnitOfWork, inviter_id: int, options: OptionValues) -> None:
    repository.add_quota(uow.session, inviter_id, options.quota_for_inviter)
    inviter = repository.find(uow.session, inviter_id)
    name = inviter.username or "" if inviter else ""
    write_log(uow, SYSTEM, inviter_id, name, f"邀请用户赠送 {_money(options.quota_for_inviter, options)}")
    uow.publish(BalanceChanged(user_id=inviter_id))


def _free_aff_code(uow: UnitOfWork) -> str:
    for attempt in range(_CODE_ATTEMPTS):
        code = random_text(4 if attempt < _CODE_ATTEMPTS // 2 else 8)
        if repository.find_by_aff_code(uow.session, code) is None:
            return code
    raise Conflict("请重试，无法生成邀请码", "no free invitation code found, try again")


def read_self(uow: UnitOfWork, actor: Actor) -> UserRow:
    """Also for an actor who must change the password first."""
    return to_row(_own(uow, actor))


def update_self(uow: UnitOfWork, actor: Actor, *, patch: SelfPatch) -> None:
    """Name, display name, password. A new password ends every other session."""
    user = _own(uow, actor)
    # A name that stays is not judged: one that came from a provider may be longer than people may choose.
    new_name = patch.username if patch.username != user.username else ""
    try:
        policy.check_lengths(username=new_name, password=patch.password, display_name=patch.display_name)
    except InvalidInput:
        raise InvalidInput(
            "输入不合法：用户名最长 12，显示名最长 20，密码长度 8 至 20",
            "not valid: names up to 12, display names up to 20, passwords of 8 to 20 characters",
        ) from None
    if actor.must_change_password and not patch.password:
        require_role(actor, COMMON)
    if new_name:
        rename(uow, user, new_name)
    if patch.display_name:
        user.display_name = patch.display_name
    if patch.password:
        policy.check_own_password(patch.password)
        user.password = hash_password(patch.password)
        repository.end_sessions(uow.session, actor.user_id, but=actor.session_id)
    uow.publish(UserChanged(actor.user_id))


def delete_self(uow: UnitOfWork, actor: Actor) -> None:
    require_role(actor, COMMON)
    if actor.role == ROOT:
        raise Forbidden("不能删除超级管理员账户", "the root account cannot be deleted")
    mark_deleted(uow, _own(uow, actor))


def mark_deleted(uow: UnitOfWork, user: User) -> None:
    """Status 3 and another name, as the original does it; the balance and the log stay."""
    user.status = DELETED
    user.username = f"deleted_{hex32()}"
    uow.publish(UserChanged(user.id or 0))


def new_access_token(uow: UnitOfWork, actor: Actor) -> str:
    """Replaces the caller's token for this API; the new one."""
    require_role(actor, COMMON)
    user = _own(uow, actor)
    user.access_token = hex32()
    return user.access_token


def invitation_code(uow: UnitOfWork, actor: Actor) -> str:
    require_role(actor, COMMON)
    user = _own(uow, actor)
    if not user.aff_code:
        user.aff_code = _free_aff_code(uow)
    return user.aff_code


def available_models(uow: UnitOfWork, actor: Actor) -> list[str]:
    require_role(actor, COMMON)
    return repository.models_of_group(uow.session, actor.group)


def list_sessions(uow: UnitOfWork, actor: Actor) -> list[SessionRow]:
    require_role(actor, COMMON)
    return [
        SessionRow(
            s.id, s.user_agent, s.address, s.created_at, s.seen_at, s.expires_at, s.id == actor.session_id
        )
        for s in repository.sessions_of(uow.session, actor.user_id)
    ]


def end_other_sessions(uow: UnitOfWork, actor: Actor) -> None:
    require_role(actor, COMMON)
    repository.end_sessions(uow.session, actor.user_id, but=actor.session_id)


def _own(uow: UnitOfWork, actor: Actor) -> User:
    user = repository.find(uow.session, actor.user_id)
    if user is None:
        raise NotFound
    return user


def _money(units: int, options: OptionValues) -> str:
    return quota_text(
        units, in_currency=options.display_in_currency_enabled, units_per_currency=options.quota_per_unit
    )


def empty_row() -> UserRow:
    return UserRow(0, "", "", "", 0, 0, "", "", "", "", "", "", "", 0, 0, 0, "", "", 0)


def to_row(user: User) -> UserRow:
    """Without password and access token, whoever asks."""
    return UserRow(
        id=user.id or 0,
        username=user.username or "",
        password="",
        display_name=user.display_name or "",
        role=user.role or 0,
        status=user.status or 0,
        email=user.email or "",
        github_id=user.github_id or "",
        wechat_id=user.wechat_id or "",
        lark_id=user.lark_id or "",
        oidc_id=user.oidc_id or "",
        verification_code="",
        access_token="",
        quota=user.quota or 0,
        used_quota=user.used_quota or 0,
        request_count=user.request_count or 0,
        group=user.group or "",
        aff_code=user.aff_code or "",
        inviter_id=user.inviter_id or 0,
    )
