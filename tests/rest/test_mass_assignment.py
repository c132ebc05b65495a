"""Fields nobody may set: every route that takes a body ignores them, whoever sends them."""

import pytest
from sqlmodel import select

from oneapi_app.models import Channel, Redemption, Token, User
from oneapi_app.rest.description import description_of
from oneapi_app.rest.openapi import described_routes
from tests.rest.authorisation import MATRIX, Call
from tests.rest.test_authorisation import call
from tests.support.site import CHANNEL, NUMBER, PASSWORD

MORE = {
    "user_id": NUMBER["root"],
    "role": 100,
    "status": 3,
    "quota": 10**12,
    "used_quota": -(10**9),
    "request_count": -5,
    "remain_quota": 10**12,
    "unlimited_quota": True,
    "key": "k" * 48,
    "access_token": "a" * 32,
    "aff_code": "mine",
    "inviter_id": NUMBER["root"],
    "username": "root",
    "email": "root@example.com",
    "github_id": "root",
    "oidc_id": "root",
    "wechat_id": "root",
    "lark_id": "root",
    "group": "vip",
    "password": "stolen password",
    "verification_code": "000000",
    "created_time": 1,
    "redeemed_time": 1,
    "balance": 1e9,
    "response_time": 1,
    "test_time": 1,
    "must_change_password": False,
    "is_admin": True,
    "session_id": "x",
    "__proto__": {"role": 100},
    "__class__": "User",
}
MAY_SET = {
    "POST /api/token": {"remain_quota", "unlimited_quota"},
    "PUT /api/token": {"remain_quota", "unlimited_quota", "status"},
    "POST /api/redemption": {"quota"},
    "PUT /api/redemption": {"quota", "status"},
    "POST /api/topup": {"quota", "user_id"},
    "POST /api/channel": {"key", "group", "status"},
    "PUT /api/channel": {"key", "group", "status"},
    "POST /api/user": {"username", "password", "role"},
    "PUT /api/user": {"username", "password", "role", "status", "quota", "group", "email", "github_id"}
    | {"oidc_id", "wechat_id", "lark_id"},
    "POST /api/user/manage": {"username"},
    "POST /api/user/login": {"username", "password"},
    "POST /api/user/register": {"username", "password", "email", "verification_code", "aff_code"},
    "PUT /api/user/self": {"username", "password"},
    "POST /api/user/topup": {"key"},
    "POST /api/user/reset": {"email"},
    "POST /api/option/test_mail": {"email"},
    "PUT /api/option": {"key"},
}
"""What of ``MORE`` is the very purpose of a route."""

IDENTITY = ("id", "role", "status", "access_token", "aff_code", "inviter_id", "used_quota", "request_count")


def people(site):
    """What of each user only certain routes may change."""
    return site.database.read_sync(
        lambda uow: {
            name: {field: getattr(uow.session.get(User, number), field) for field in IDENTITY}
            for name, number in NUMBER.items()
        }
    )


@pytest.mark.parametrize("name", [name for name, row in MATRIX.items() if isinstance(row.call.json, dict)])
async def test_a_route_with_a_body_takes_what_it_says_and_nothing_more(site, name):
    """The same call, with and without fields that are none of its own, has the same effect."""
    row = MATRIX[name]
    who = {1: "user", 10: "admin", 100: "root"}.get(row.least, "")
    more = {field: value for field, value in MORE.items() if field not in MAY_SET[name]}
    body = {**more, **row.call.json}
    (endpoint,) = [e for method, path, e in described_routes(site.api) if f"{method} {path}" == name]
    taken = set(description_of(endpoint).body.__struct_fields__)
    assert not taken & more.keys(), "either MAY_SET says it may, or the struct must not have it"
    before = people(site)
    outcome = await call(site, who, name, Call(row.call.path, body, row.call.query))
    assert outcome.startswith(row.answers)
    after = people(site)
    if name == "POST /api/user/manage":
        before["user2"]["status"] = after["user2"]["status"] = 2
    assert after == before


async def test_a_new_account_is_a_common_one(site):
    made = {**MORE, "username": "climber", "password": "12345678", "email": "", "aff_code": ""}
    assert (await site.client("").post("/api/user/register", json=made)).json()["success"]
    user = site.database.read_sync(
        lambda uow: uow.session.get(User, len(NUMBER) + 1).model_dump(
            include={"id", "username", "role", "status", "quota", "group", "email", "github_id", "inviter_id"}
        )
    )
    assert user == {
        "id": len(NUMBER) + 1,
        "username": "climber",
        "role": 1,
        "status": 1,
        "quota": 0,
        "group": "default",
        "email": "",
        "github_id": "",
        "inviter_id": 0,
    }


async def test_a_user_an_admin_makes_is_a_common_one(site):
    """The original ignores a lower role, too: users are promoted, not made admins."""
    made = {**MORE, "username": "climber", "password": "12345678", "role": 1}
    assert (await site.client("root").post("/api/user", json=made)).json()["success"]
    user = site.database.read_sync(lambda uow: uow.session.get(User, len(NUMBER) + 1).model_dump())
    assert (user["role"], user["status"], user["quota"], user["group"]) == (1, 1, 0, "default")
    assert user["access_token"] != MORE["access_token"]


async def test_ones_own_account_keeps_what_is_not_ones_own_to_change(site):
    sent = {**MORE, "id": NUMBER["root"], "username": "renamed", "password": ""}
    assert (await site.client("user").put("/api/user/self", json=sent)).json()["success"]
    assert await call(site, "root", "GET /api/user/self", Call()) == "done"
    user = (await site.client("user").get("/api/user/self")).json()["data"]
    assert (user["id"], user["username"]) == (NUMBER["user"], "renamed")
    assert (user["role"], user["status"], user["quota"], user["group"]) == (1, 1, 1_000_000, "default")
    assert user["email"] == "user@example.com" and user["github_id"] == ""
    signed_in = await site.client("").post("/api/user/login", json={"username": "root", "password": PASSWORD})
    assert signed_in.json()["success"]


async def test_a_token_is_ones_own_and_its_key_is_made_here(site):
    row = (await site.client("user").post("/api/token", json={**MORE, "id": 999, "name": "x"})).json()["data"]
    assert row["user_id"] == NUMBER["user"] and row["id"] != 999
    assert row["key"] != MORE["key"] and (row["status"], row["used_quota"]) == (1, 0)
    edit = {**MORE, "id": row["id"], "name": "y"}
    edited = (await site.client("user").put("/api/token", json=edit)).json()["data"]
    same = ("user_id", "key", "status", "used_quota", "created_time")
    assert [edited[field] for field in same] == [row[field] for field in same]
    stored = site.database.read_sync(lambda uow: uow.session.get(Token, row["id"]).user_id)
    assert stored == NUMBER["user"]


async def test_a_code_is_its_makers_and_its_key_is_made_here(site):
    made = {**MORE, "name": "n", "quota": 7, "count": 1}
    (key,) = (await site.client("admin").post("/api/redemption", json=made)).json()["data"]
    assert key != MORE["key"]

    def read(uow):
        (found,) = [r for r in uow.session.exec(select(Redemption)) if r.key == key]
        return found.user_id, found.status, found.quota, found.redeemed_time or 0

    assert site.database.read_sync(read) == (NUMBER["admin"], 1, 7, 0)


async def test_a_channels_figures_are_not_sent(site):
    sent = {"id": CHANNEL, "name": "n", **{f: MORE[f] for f in ("balance", "response_time", "test_time")}}
    await site.client("admin").put("/api/channel", json=sent | {"used_quota": 5, "created_time": 5})
    stored = site.database.read_sync(lambda uow: uow.session.get(Channel, CHANNEL).model_dump())
    assert not any(
        stored[field] for field in ("balance", "response_time", "test_time", "used_quota", "created_time")
    )


async def test_status_only_changes_the_status_alone(site):
    token = NUMBER["user"]
    sent = {**MORE, "id": token, "status": 2, "name": "other", "remain_quota": 9, "unlimited_quota": False}
    row = (await site.client("user").put("/api/token?status_only=true", json=sent)).json()["data"]
    assert (row["status"], row["name"], row["remain_quota"], row["unlimited_quota"]) == (
        2,
        "of user",
        0,
        True,
    )
