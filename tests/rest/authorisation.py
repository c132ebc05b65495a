"""The authorisation matrix: who may call which route, and what comes of reaching for somebody else's things.

A route without a row here fails ``test_authorisation``. A new row needs the least role, a call that works, and, where
the route takes an object, calls with objects of others and what they must answer. ``GUESTS`` are always tried:
whoever is not allowed must be refused with the words below, and change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oneapi_app.actor import ADMIN, COMMON, ROOT
from oneapi_app.rest.description import PUBLIC
from tests.support.site import CHANNEL, NUMBER

DONE = "done"
MISSING = "record not found"
NOBODY = "无权进行此操作，未登录且未提供 access token"
BANNED = "用户已被封禁"
TOO_LOW = "无权进行此操作，权限不足"
INITIAL = "请先修改初始密码（PUT /api/user/self）后再进行其他操作"

GUESTS = ("", "disabled", "deleted", "user", "admin", "root", "fresh_root")


@dataclass(frozen=True)
class Call:
    """``path``: the numbers in the path. ``json`` and ``query``: the rest of the request."""

    path: Mapping[str, int] = field(default_factory=dict)
    json: Any = None
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """``answers``: what those allowed get where the seeded site cannot let it succeed.

    ``foreign``: (who, call, outcome) for objects that are not theirs. ``initial``: root may do it before
    changing the initial password.
    """

    least: int
    call: Call = Call()
    answers: str = DONE
    foreign: tuple[tuple[str, Call, str], ...] = ()
    initial: bool = False


def own(name: str) -> dict[str, Any]:
    """Numbers in the path for each of the people: their own user, token, log row."""
    return {name: "own"}


def _token(who: str, **fields: Any) -> Call:
    return Call(json={"id": NUMBER[who], "name": "taken", "status": 2, "remain_quota": 1, **fields})


def _others(**path: int) -> tuple[tuple[str, Call, str], ...]:
    return tuple((who, Call(path), MISSING) for who in ("user", "admin", "root"))


_SEE = "无权获取同级或更高等级用户的信息"
_EDIT = "无权更新同权限等级或更高权限等级的用户信息"
_RAISE = "无权将其他用户权限等级提升到大于等于自己的权限等级"
_DELETE = "无权删除同权限等级或更高权限等级的用户"


def _user(who: str) -> Call:
    return Call({"user_id": NUMBER[who]})


def _patch(who: str, **fields: Any) -> Call:
    return Call(json={"id": NUMBER[who], **fields})


def _manage(who: str, action: str) -> Call:
    return Call(json={"username": who, "action": action})


_INVALID = "invalid parameter"
_STATE = "state is empty or not same"

MATRIX: dict[str, Row] = {
    # The site
    "GET /api/status": Row(PUBLIC, initial=True),
    "GET /api/notice": Row(PUBLIC, initial=True),
    "GET /api/about": Row(PUBLIC, initial=True),
    "GET /api/home_page_content": Row(PUBLIC, initial=True),
    "GET /api/option": Row(ROOT),
    "PUT /api/option": Row(ROOT, Call(json={"key": "Notice", "value": "x"})),
    # Signing in and out
    "POST /api/user/login": Row(
        PUBLIC, Call(json={"username": "user2", "password": "correct horse 1"}), initial=True
    ),
    "GET /api/user/logout": Row(PUBLIC, initial=True),
    "POST /api/user/register": Row(
        PUBLIC, Call(json={"username": "newcomer", "password": "12345678"}), initial=True
    ),
    # Mail
    "GET /api/verification": Row(PUBLIC, answers=_INVALID, initial=True),
    "GET /api/reset_password": Row(PUBLIC, answers=_INVALID, initial=True),
    "POST /api/user/reset": Row(PUBLIC, Call(json={}), answers=_INVALID, initial=True),
    "GET /api/oauth/email/bind": Row(COMMON, answers="验证码错误或已过期"),
    "POST /api/option/test_mail": Row(
        ROOT, Call(json={}), answers="failed to send email: no SMTP server is configured"
    ),
    # Third parties
    "GET /api/oauth/state": Row(PUBLIC, initial=True),
    "GET /api/oauth/github": Row(PUBLIC, answers=_STATE, initial=True),
    "GET /api/oauth/oidc": Row(PUBLIC, answers=_STATE, initial=True),
    "GET /api/oauth/lark": Row(PUBLIC, answers=_STATE, initial=True),
    "GET /api/oauth/wechat": Row(PUBLIC, answers="管理员未开启通过微信登录以及注册", initial=True),
    "GET /api/oauth/wechat/bind": Row(COMMON, answers="管理员未开启通过微信登录以及注册"),
    # One's own account
    "GET /api/user/self": Row(COMMON, initial=True),
    "PUT /api/user/self": Row(COMMON, Call(json={"password": "another horse"}), initial=True),
    "DELETE /api/user/self": Row(COMMON),
    "GET /api/user/token": Row(COMMON),
    "GET /api/user/aff": Row(COMMON),
    "GET /api/user/available_models": Row(COMMON),
    "GET /api/user/dashboard": Row(COMMON),
    "GET /api/models": Row(COMMON),
    "POST /api/user/topup": Row(COMMON, Call(json={"key": f"{NUMBER['user2']:032d}"})),
    # Tokens: one's own only, whatever the role
    "GET /api/token": Row(COMMON),
    "GET /api/token/search": Row(COMMON, Call(query={"keyword": "of"})),
    "GET /api/token/{token_id}": Row(
        COMMON, Call(own("token_id")), foreign=_others(token_id=NUMBER["user2"])
    ),
    "POST /api/token": Row(COMMON, Call(json={"name": "new"})),
    "PUT /api/token": Row(
        COMMON,
        Call(json={"id": "own", "name": "renamed"}),
        foreign=tuple((who, _token("user2"), MISSING) for who in ("user", "admin", "root")),
    ),
    "DELETE /api/token/{token_id}": Row(
        COMMON, Call(own("token_id")), foreign=_others(token_id=NUMBER["user2"])
    ),
    # The usage log
    "GET /api/log/self": Row(COMMON),
    "GET /api/log/self/stat": Row(COMMON),
    "GET /api/log/self/search": Row(COMMON, Call(query={"keyword": "2"})),
    "GET /api/log": Row(ADMIN),
    "GET /api/log/stat": Row(ADMIN),
    "GET /api/log/search": Row(ADMIN, Call(query={"keyword": "log"})),
    "DELETE /api/log": Row(ADMIN, Call(query={"target_timestamp": "2000"})),
    # Codes
    "GET /api/redemption": Row(ADMIN),
    "GET /api/redemption/search": Row(ADMIN, Call(query={"keyword": "code"})),
    "GET /api/redemption/{redemption_id}": Row(ADMIN, Call({"redemption_id": 1})),
    "POST /api/redemption": Row(ADMIN, Call(json={"name": "n", "quota": 1, "count": 1})),
    "PUT /api/redemption": Row(ADMIN, Call(json={"id": 1, "name": "n", "quota": 9})),
    "DELETE /api/redemption/{redemption_id}": Row(ADMIN, Call({"redemption_id": 1})),
    # Channels
    "GET /api/group": Row(ADMIN),
    "GET /api/channel": Row(ADMIN),
    "GET /api/channel/search": Row(ADMIN, Call(query={"keyword": "one"})),
    "GET /api/channel/models": Row(ADMIN),
    "GET /api/channel/test": Row(ADMIN),
    "GET /api/channel/test/{channel_id}": Row(
        ADMIN, Call({"channel_id": CHANNEL}), answers="cannot connect to 127.0.0.1"
    ),
    "GET /api/channel/update_balance": Row(ADMIN),
    "GET /api/channel/update_balance/{channel_id}": Row(
        ADMIN, Call({"channel_id": CHANNEL}), answers="无法连接渠道"
    ),
    "GET /api/channel/{channel_id}": Row(ADMIN, Call({"channel_id": CHANNEL})),
    "POST /api/channel": Row(ADMIN, Call(json={"type": 1, "key": "k", "name": "n", "models": "m"})),
    "PUT /api/channel": Row(ADMIN, Call(json={"id": CHANNEL, "name": "n"})),
    "DELETE /api/channel/disabled": Row(ADMIN),
    "DELETE /api/channel/{channel_id}": Row(ADMIN, Call({"channel_id": CHANNEL})),
    # Users: lower roles only, root excepted
    "GET /api/user": Row(ADMIN),
    "GET /api/user/search": Row(ADMIN, Call(query={"keyword": "user"})),
    "GET /api/user/{user_id}": Row(
        ADMIN,
        _user("user2"),
        foreign=(("admin", _user("root"), _SEE), ("admin", _user("admin2"), _SEE)),
    ),
    "POST /api/user": Row(
        ADMIN,
        Call(json={"username": "made", "password": "12345678"}),
        foreign=(
            (
                "admin",
                Call(json={"username": "made", "password": "12345678", "role": ADMIN}),
                "无法创建权限大于等于自己的用户",
            ),
        ),
    ),
    "PUT /api/user": Row(
        ADMIN,
        _patch("user2", display_name="x"),
        foreign=(
            ("admin", _patch("root", display_name="x"), _EDIT),
            ("admin", _patch("root", password="12345678"), _EDIT),
            ("admin", _patch("admin2", quota=5), _EDIT),
            ("admin", _patch("admin", role=ROOT), _EDIT),
            ("admin", _patch("user2", role=ADMIN), _RAISE),
            ("admin", _patch("user2", role=ROOT), _RAISE),
        ),
    ),
    "POST /api/user/manage": Row(
        ADMIN,
        _manage("user2", "disable"),
        foreign=(
            ("admin", _manage("root", "disable"), _EDIT),
            ("admin", _manage("admin2", "delete"), _EDIT),
            ("admin", _manage("user2", "promote"), "普通管理员用户无法提升其他用户为管理员"),
            ("root", _manage("root", "disable"), "无法禁用超级管理员用户"),
            ("root", _manage("root", "delete"), "无法删除超级管理员用户"),
            ("root", _manage("root", "demote"), "无法降级超级管理员用户"),
        ),
    ),
    "DELETE /api/user/{user_id}": Row(
        ADMIN,
        _user("user2"),
        foreign=(
            ("admin", _user("root"), _DELETE),
            ("admin", _user("admin2"), _DELETE),
            ("root", _user("fresh_root"), _DELETE),
        ),
    ),
    "POST /api/topup": Row(ADMIN, Call(json={"user_id": NUMBER["user2"], "quota": 5})),
}

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("DELETE /api/user/self", "root"): "不能删除超级管理员账户",
}
"""Where somebody with the role is refused all the same."""
