"""What somebody whom a provider vouches for can do: sign in, become a user, be bound to one."""

from oneapi_app.accounts import policy, repository, sessions
from oneapi_app.accounts.schemas import SignedIn
from oneapi_app.accounts.service import insert_user, open_signed_in
from oneapi_app.accounts.third_party import github_accounts
from oneapi_app.accounts.third_party.identity import ALL, GITHUB, Identity, Provider
from oneapi_app.actor import COMMON, Actor, require_role
from oneapi_app.errors import Conflict, Forbidden, NotFound, invalid_parameter
from oneapi_app.events import UserChanged
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.text import is_storable
from oneapi_app.models import User
from oneapi_app.models.user import ENABLED
from oneapi_app.options import OptionValues

MAX_WISHED_NAME = 64
"""Longest user name taken over from a provider: longer than people may choose, for names like first.last."""


def sign_in(
    uow: UnitOfWork,
    *,
    identity: Identity,
    options: OptionValues,
    cookie: str | None = None,
    aff_code: str = "",
    address: str = "",
    user_agent: str = "",
) -> SignedIn:
    """As the user this identity is bound to, or as a new one. ``cookie``'s session ends: signing in makes another.

    Raises Forbidden for the banned, and for new users where the operator takes none.
    """
    user = _find_owner(uow, identity) or _register(uow, identity, options, aff_code)
    if user.status != ENABLED:
        raise sessions.banned()
    if cookie:
        sessions.close_session(uow, cookie)
    return open_signed_in(uow, user, address=address, user_agent=user_agent)


def bind(uow: UnitOfWork, actor: Actor, *, identity: Identity) -> None:
    """From now on this identity signs in as the caller, in place of another of the same provider."""
    require_role(actor, COMMON)
    owner = _find_owner(uow, identity)
    if owner is not None and owner.id != actor.user_id:
        raise identity.provider.taken()
    _bind(uow, _own(uow, actor), identity)


def unbind(uow: UnitOfWork, actor: Actor, *, provider: str) -> None:
    """Raises Conflict where the caller could not sign in any more."""
    require_role(actor, COMMON)
    if provider not in ALL:
        raise invalid_parameter()
    user = _own(uow, actor)
    column = ALL[provider].column
    others = [other.column for other in ALL.values() if other.column != column]
    if not user.password and not any(getattr(user, other) for other in others):
        raise Conflict(
            "请先设置密码，否则将无法再登录", "set a password first, or you could not sign in any more"
        )
    if column == GITHUB.column:
        github_accounts.forget(uow.session, user)
    else:
        setattr(user, column, "")
    uow.publish(UserChanged(actor.user_id))


def _find_owner(uow: UnitOfWork, identity: Identity) -> User | None:
    if identity.provider is GITHUB:
        return github_accounts.find_owner(uow.session, identity.number, identity.subject)
    return repository.find_by_identity(uow.session, identity.provider.column, identity.subject)


def _bind(uow: UnitOfWork, user: User, identity: Identity) -> None:
    if identity.provider is GITHUB:
        github_accounts.remember(uow.session, user, identity.number, identity.subject)
    else:
        setattr(user, identity.provider.column, identity.subject)
    uow.publish(UserChanged(user.id or 0))


def _register(uow: UnitOfWork, identity: Identity, options: OptionValues, aff_code: str) -> User:
    if not options.register_enabled:
        raise Forbidden("管理员关闭了新用户注册", "new accounts are switched off")
    email = identity.email
    if email and repository.find_by_email(uow.session, email):
        email = ""  # an address is one person's: it signs in and resets passwords
    user = User(
        username=_free_name(uow, identity),
        password="",
        display_name=_display_name(identity),
        email=email,
    )
    inviter = repository.find_by_aff_code(uow.session, aff_code) if is_storable(aff_code) else None
    insert_user(uow, user, options=options, inviter_id=inviter.id if inviter else None)
    _bind(uow, user, identity)
    return user


def _free_name(uow: UnitOfWork, identity: Identity) -> str:
    wished = identity.username
    usable = wished and len(wished) <= MAX_WISHED_NAME and is_storable(wished)
    if usable and repository.find_by_name(uow.session, wished) is None:
        return wished
    number = repository.highest_id(uow.session) + 1
    while repository.find_by_name(uow.session, name := _numbered(identity.provider, number)) is not None:
        number += 1
    return name


def _numbered(provider: Provider, number: int) -> str:
    return f"{provider.name}_{number}"


def _display_name(identity: Identity) -> str:
    name = identity.name if is_storable(identity.name) else ""
    return name[: policy.MAX_DISPLAY_NAME].strip() or identity.provider.stranger


def _own(uow: UnitOfWork, actor: Actor) -> User:
    user = repository.find(uow.session, actor.user_id)
    if user is None:
        raise NotFound
    return user
