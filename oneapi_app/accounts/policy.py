"""Rules about accounts: what names and passwords may look like, who may act on whom. Pure."""

import re
from functools import lru_cache

from oneapi_app.actor import ROOT, Actor
from oneapi_app.errors import Forbidden, InvalidInput, invalid_input, invalid_parameter
from oneapi_app.kit.passwords import verify_password
from oneapi_app.kit.text import is_storable
from oneapi_app.options import OptionValues

INITIAL_PASSWORD = "123456"  # noqa: S105 - the well-known one, made to be changed
MAX_USERNAME = 12
MIN_PASSWORD, MAX_PASSWORD = 8, 20
MAX_DISPLAY_NAME = 20
MAX_EMAIL = 50
MAX_GROUP = 32
MAX_IDENTITY = 191
"""The columns' width on MySQL."""
MAX_QUOTA = 2**62
_EMAIL = re.compile(r"[^@\s,:;<>()\[\]\\\"]+@[^@\s,:;<>()\[\]\\\"]+\.[^@\s,:;<>()\[\]\\\".]+")


def check_lengths(*, username: str = "", password: str = "", display_name: str = "", email: str = "") -> None:
    """The original's limits, for fields that are given. Raises InvalidInput without naming values."""
    if not all(is_storable(text) for text in (username, password, display_name, email)):
        raise invalid_input()
    if len(username) > MAX_USERNAME or len(display_name) > MAX_DISPLAY_NAME or len(email) > MAX_EMAIL:
        raise invalid_input()
    if password and not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise invalid_input()


def check_group(group: str) -> None:
    """The column's width, and what every engine takes. Raises InvalidInput."""
    if len(group) > MAX_GROUP or not is_storable(group):
        raise invalid_parameter()


def check_identity(identity: str) -> None:
    """An id at another service, as an admin enters it. Raises InvalidInput."""
    if len(identity) > MAX_IDENTITY or not is_storable(identity):
        raise invalid_parameter()


def check_own_password(password: str) -> None:
    """A new password for oneself must not be the initial one. Raises InvalidInput."""
    if password == INITIAL_PASSWORD:
        raise InvalidInput("输入不合法：请使用新的密码", "choose a password other than the initial one")


def is_email(text: str) -> bool:
    return len(text) <= MAX_EMAIL and text.isprintable() and bool(_EMAIL.fullmatch(text))


def check_email_domain(email: str, options: OptionValues) -> None:
    """Raises Forbidden where only some domains are let in and this is none of them."""
    allowed = options.email_domain_whitelist
    if options.email_domain_restriction_enabled and email.rpartition("@")[2].lower() not in allowed:
        raise Forbidden(
            "管理员启用了邮箱域名白名单，您的邮箱地址的域名不在白名单中",
            "the domain of your e-mail address is not on the whitelist",
        )


@lru_cache(maxsize=256)
def is_initial_password(hashed: str) -> bool:
    """Whether this hash is of the initial password. 50 ms the first time, then remembered by hash."""
    return verify_password(INITIAL_PASSWORD, hashed)


def check_may_see(actor: Actor, role: int) -> None:
    """Only lower roles, but root sees everybody. Raises Forbidden."""
    if actor.role <= role and actor.role != ROOT:
        raise Forbidden(
            "无权获取同级或更高等级用户的信息", "you may not read users of your own or a higher role"
        )


def check_may_edit(actor: Actor, role: int) -> None:
    if actor.role <= role and actor.role != ROOT:
        raise Forbidden(
            "无权更新同权限等级或更高权限等级的用户信息",
            "you may not change users of your own or a higher role",
        )


def check_may_give_role(actor: Actor, role: int) -> None:
    if role >= actor.role and actor.role != ROOT:
        raise Forbidden(
            "无权将其他用户权限等级提升到大于等于自己的权限等级",
            "you may not raise a user to your own role or above",
        )
