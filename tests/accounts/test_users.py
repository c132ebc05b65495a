"""Users as admins see and change them, over REST: lists, searches, edits, roles, and what never leaves."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlmodel import select

from oneapi_app.accounts import service
from oneapi_app.accounts.schemas import Credentials, Registration, SelfPatch
from oneapi_app.actor import ADMIN, ROOT
from oneapi_app.errors import AppError, Conflict
from oneapi_app.kit.database import Database
from oneapi_app.models import Log, Token, User
from oneapi_app.options import OptionValues
from oneapi_app.settings import Settings
from tests.support.management import Management, management_api
from tests.support.people import add_user, quota_of


@pytest.fixture
async def api(database: Database, database_settings: Settings, tmp_path) -> AsyncIterator[Management]:
    """With root (1), admin (2) and the users amy (3) and bob (4); their names are their access tokens."""
    add_user(database, "root", role=ROOT, quota=1000)
    add_user(database, "admin", role=ADMIN, quota=10)
    add_user(database, "amy", quota=500)
    add_user(database, "bob", quota=700)
    async with management_api(database, database_settings, tmp_path) as made:
        yield made


async def data(client: httpx.AsyncClient, path: str, **query: object):
    answer = (await client.get(path, params={name: str(value) for name, value in query.items()})).json()
    assert answer["success"], answer
    return answer["data"]


async def refusal(client: httpx.AsyncClient, method: str, path: str, body: object = None) -> str:
    answer = (await client.request(method, path, content=json.dumps(body))).json()
    assert not answer["success"]
    return answer["message"]


async def test_lists_searches_and_single_rows(api: Management, database: Database) -> None:
    root, admin = api.as_("root"), api.as_("admin")
    for number in range(9):
        add_user(database, f"u_{number}", quota=number)
    first = await data(root, "/api/user/")
    assert [row["id"] for row in first] == list(range(13, 3, -1)), "ten, newest first"
    assert [row["id"] for row in await data(root, "/api/user", p=1)] == [3, 2, 1]
    assert [row["id"] for row in await data(root, "/api/user/", p=-1)] == [row["id"] for row in first]
    assert [row["username"] for row in await data(root, "/api/user/", order="quota")][:3] == [
        "root", "bob", "amy",
    ]  # fmt: skip
    assert len(await data(root, "/api/user/", order="used_quota")) == 10
    assert len(await data(root, "/api/user/", order="request_count")) == 10
    assert await data(root, "/api/user/", p=99) == []
    assert [row["username"] for row in await data(admin, "/api/user/search", keyword="am")] == ["amy"]
    assert [row["username"] for row in await data(admin, "/api/user/search", keyword="4")] == ["bob"]
    assert await data(admin, "/api/user/search", keyword="u%") == []
    assert len(await data(admin, "/api/user/search/", keyword="u_")) == 9
    row = await data(admin, "/api/user/3")
    assert (row["username"], row["quota"], row["password"], row["access_token"]) == ("amy", 500, "", "")
    assert set(row) == {
        "id", "username", "password", "display_name", "role", "status", "email", "github_id", "wechat_id",
        "lark_id", "oidc_id", "verification_code", "access_token", "quota", "used_quota", "request_count",
        "group", "aff_code", "inviter_id",
    }  # fmt: skip
    assert "同级" in await refusal(admin, "GET", "/api/user/1")
    assert "同级" in await refusal(admin, "GET", "/api/user/2")
    assert (await data(root, "/api/user/2"))["username"] == "admin"


async def test_deleted_users_are_in_no_list_but_found_by_search(api: Management) -> None:
    admin = api.as_("admin")
    await admin.delete("/api/user/4/")
    assert "bob" not in [row["username"] for row in await data(admin, "/api/user/")]
    found = await data(admin, "/api/user/search", keyword="deleted_")
    assert [(row["id"], row["status"]) for row in found] == [(4, 3)]
    assert (await api.as_("bob").get("/api/user/self")).json()["message"] == "用户已被封禁"


async def test_an_edit_writes_what_is_not_zero(api: Management, database: Database) -> None:
    admin = api.as_("admin")
    body = {"id": 3, "display_name": "Amy 爱", "group": "vip", "email": "a@b.cn", "quota": 900, "role": 0}
    assert (await admin.put("/api/user/", json=body)).json() == {"message": "", "success": True}
    zeros = {"id": 3, "display_name": "", "group": "", "email": "", "quota": 0, "status": 0, "password": ""}
    assert (await admin.put("/api/user", json=zeros)).json()["success"]
    row = await data(admin, "/api/user/3")
    kept = ("amy", "Amy 爱", "vip", "a@b.cn", 900, 1, 1)
    shown = ("username", "display_name", "group", "email", "quota", "status", "role")
    assert tuple(row[name] for name in shown) == kept
    rows = database.read_sync(lambda uow: list(uow.log_session.exec(select(Log))))
    assert [(row.type, row.user_id, row.content) for row in rows] == [
        (3, 3, "管理员将用户额度从 ＄0.001000 额度修改为 ＄0.001800 额度")
    ]


async def test_an_edited_balance_is_the_ledgers_at_once(api: Management) -> None:
    ledger = api.runtime.ledger
    await ledger.open_account(3, 1)
    await api.as_("admin").put("/api/user/", json={"id": 3, "quota": 123})
    assert ledger.user_balance(3) == 123
    await api.as_("admin").post("/api/topup", json={"user_id": 3, "quota": 7, "remark": "order 17"})
    assert ledger.user_balance(3) == 130


async def test_top_up_for_payment_systems(api: Management, database: Database) -> None:
    admin = api.as_("admin")
    assert (await admin.post("/api/topup/", json={"user_id": 3, "quota": 50})).json()["success"]
    assert (await admin.post("/api/topup", json={"user_id": 3, "quota": 5, "remark": "支付 #1"})).json()[
        "success"
    ]
    assert await refusal(admin, "POST", "/api/topup", {"user_id": 3, "quota": -1}) == "quota 不能为负数！"
    assert await refusal(admin, "POST", "/api/topup", {"user_id": 77, "quota": 1}) == "record not found"
    assert await refusal(api.as_("amy"), "POST", "/api/topup", {"user_id": 3, "quota": 1})
    rows = database.read_sync(lambda uow: list(uow.log_session.exec(select(Log).order_by(Log.id))))
    assert [(row.type, row.content, row.quota) for row in rows] == [
        (1, "通过 API 充值 ＄0.000100 额度", 50),
        (1, "支付 #1", 5),
    ]


async def test_nobody_edits_his_equals_or_lifts_above_himself(api: Management) -> None:
    admin = api.as_("admin")
    for body in ({"id": 1, "quota": 1}, {"id": 2, "quota": 1}):
        assert "同权限等级" in await refusal(admin, "PUT", "/api/user/", body)
    assert "提升" in await refusal(admin, "PUT", "/api/user/", {"id": 3, "role": 10})
    assert "提升" in await refusal(admin, "PUT", "/api/user/", {"id": 3, "role": 100})
    assert "同权限等级" in await refusal(admin, "DELETE", "/api/user/2")
    assert "同权限等级" in await refusal(api.as_("root"), "DELETE", "/api/user/1")
    assert "大于等于" in await refusal(
        admin, "POST", "/api/user/", {"username": "x", "password": "password-1", "role": 10}
    )


ACTIONS = [
    ("root", "amy", "promote", ""),
    ("admin", "amy", "promote", "普通管理员用户无法提升其他用户为管理员"),
    ("root", "admin", "promote", "该用户已经是管理员"),
    ("root", "admin", "demote", ""),
    ("root", "amy", "demote", "该用户已经是普通用户"),
    ("root", "root", "demote", "无法降级超级管理员用户"),
    ("root", "root", "disable", "无法禁用超级管理员用户"),
    ("root", "root", "delete", "无法删除超级管理员用户"),
    ("admin", "amy", "disable", ""),
    ("admin", "amy", "enable", ""),
    ("admin", "amy", "delete", ""),
    ("admin", "amy", "nonsense", ""),
    ("admin", "nobody", "disable", "用户不存在"),
    ("admin", "a\0", "disable", "用户不存在"),
    ("admin", "root", "disable", "无权更新同权限等级或更高权限等级的用户信息"),
]


@pytest.mark.parametrize("database_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("who", "whom", "action", "message"), ACTIONS)
async def test_managing(api: Management, who: str, whom: str, action: str, message: str) -> None:
    answer = await api.as_(who).post("/api/user/manage", json={"username": whom, "action": action})
    assert answer.json()["message"] == message
    assert answer.json()["success"] is (message == "")


@pytest.mark.parametrize("database_settings", ["sqlite"], indirect=True)
async def test_a_ban_counts_at_once_and_ends(api: Management, database: Database) -> None:
    admin, amy = api.as_("admin"), api.as_("amy")
    assert (await amy.get("/api/user/self")).json()["success"]
    await admin.post("/api/user/manage", json={"username": "amy", "action": "disable"})
    assert (await amy.get("/api/user/self")).json()["message"] == "用户已被封禁"
    await admin.post("/api/user/manage", json={"username": "amy", "action": "enable"})
    assert (await amy.get("/api/user/self")).json()["success"]


ODD = [
    {"group": "g" * 33},
    {"group": "\0"},
    {"github_id": "g" * 192},
    {"wechat_id": "\0"},
    {"oidc_id": "\ud800"},
    {"display_name": "d" * 21},
    {"email": "e" * 51},
    {"username": "u" * 13},
    {"password": "short"},
    {"quota": -1},
    {"quota": 2**63},
    {"quota": "5"},
    {"id": 2**63},
    {"id": 0},
    {"id": -3},
]


async def test_what_no_column_holds_is_refused_in_words(api: Management) -> None:
    admin = api.as_("admin")
    for fields in ODD:
        assert await refusal(admin, "PUT", "/api/user/", {"id": 3} | fields), fields
    row = await data(admin, "/api/user/3")
    assert (row["username"], row["quota"], row["group"]) == ("amy", 500, "default")


def register(database: Database, name: str, **fields: str) -> int:
    registration = Registration(username=name, password="password-1", **fields)
    options = OptionValues({"QuotaForNewUser": "100", "QuotaForInviter": "30", "QuotaForInvitee": "5"})
    return database.run_sync(service.register, registration=registration, options=options)


def test_invitations_pay_both(database: Database) -> None:
    amy = add_user(database, "amy", quota=1)
    found = register(database, "new", aff_code="amy")
    user = database.read_sync(lambda uow: uow.session.get_one(User, found))
    assert (user.quota, user.inviter_id, user.group, user.role, user.status) == (
        105,
        amy.user_id,
        "default",
        1,
        1,
    )
    assert quota_of(database, amy) == 31
    rows = database.read_sync(lambda uow: list(uow.log_session.exec(select(Log).order_by(Log.id))))
    assert [(row.type, row.user_id, row.content) for row in rows] == [
        (4, found, "新用户注册赠送 ＄0.000200 额度"),
        (4, found, "使用邀请码赠送 ＄0.000010 额度"),
        (4, amy.user_id, "邀请用户赠送 ＄0.000060 额度"),
    ]
    token = database.read_sync(
        lambda uow: uow.session.exec(select(Token).where(Token.user_id == found)).one()
    )
    assert (token.name, token.unlimited_quota, token.remain_quota, token.expired_time) == (
        "default",
        True,
        -1,
        -1,
    )
    assert register(database, "other", aff_code="none")


def test_one_name_is_taken_once_however_many_want_it(database: Database) -> None:
    def attempt(_: int) -> str:
        try:
            register(database, "same")
        except AppError as error:
            return error.zh
        return ""

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(attempt, range(8)))
    assert sorted(outcomes) == [""] + ["用户名已存在"] * 7
    assert len(database.read_sync(lambda uow: list(uow.session.exec(select(Token))))) == 1


def test_renaming_oneself(database: Database) -> None:
    amy, _ = add_user(database, "amy"), add_user(database, "bob")
    with pytest.raises(Conflict):
        database.run_sync(service.update_self, amy, patch=SelfPatch(username="bob"))
    database.run_sync(service.update_self, amy, patch=SelfPatch(username="Amy"))
    assert database.read_sync(service.read_self, amy).username == "Amy"


def test_signing_in_by_address_needs_one_owner(database: Database) -> None:
    options = OptionValues({})
    for name in ("one", "two"):
        register(database, name)

    def set_email(uow, name: str, email: str) -> None:
        uow.session.exec(select(User).where(User.username == name)).one().email = email

    def sign_in() -> str:
        given = Credentials("x@example.com", "password-1")
        return database.run_sync(service.sign_in, credentials=given, options=options).user.username

    database.run_sync(set_email, "one", "x@example.com")
    assert sign_in() == "one"
    database.run_sync(set_email, "two", "x@example.com")
    with pytest.raises(AppError, match="wrong name or password"):
        sign_in()
