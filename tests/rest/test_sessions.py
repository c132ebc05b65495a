"""Sessions and access tokens: their flags, their beginning and their end."""

import statistics
import time
from http.cookies import SimpleCookie

import httpx
import pytest
from sqlmodel import select

from oneapi_app.accounts import service as accounts
from oneapi_app.kit.passwords import hash_password
from oneapi_app.models import LoginSession, User
from tests.support.site import NUMBER, PASSWORD, access_token

GOOD = {"username": "user", "password": PASSWORD}


def cookie_of(answer):
    return SimpleCookie(answer.headers["set-cookie"])["session"]


@pytest.mark.parametrize(
    ("scheme", "headers", "secure"),
    [
        ("http", {}, False),
        ("https", {}, True),
        ("http", {"x-forwarded-proto": "https"}, True),
        ("http", {"x-forwarded-proto": "http"}, False),
    ],
)
async def test_the_cookies_flags(site, scheme, headers, secure):
    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://site.test") as client:
        answer = await client.post("/api/user/login", json=GOOD, headers=headers)
    cookie = cookie_of(answer)
    assert cookie["httponly"] and cookie["samesite"].lower() == "lax" and cookie["path"] == "/"
    assert bool(cookie["secure"]) is secure
    assert not cookie["domain"]
    assert cookie.value not in answer.text


async def test_a_session_somebody_chose_beforehand_is_not_signed_in(site):
    """Fixation: neither a made-up secret nor a real anonymous one becomes the session of who signs in."""
    anonymous = cookie_of(await site.client("").get("/api/oauth/state")).value
    for planted in ("planted-by-somebody", anonymous):
        answer = await site.client("").post(
            "/api/user/login", json=GOOD, headers={"cookie": f"session={planted}"}
        )
        fresh = cookie_of(answer).value
        assert fresh not in (planted, anonymous)
        stale = await site.client("").get("/api/user/self", headers={"cookie": f"session={planted}"})
        assert stale.status_code == 401


async def test_the_database_cannot_sign_anybody_in(site):
    """It holds hashes of secrets, not secrets."""
    stored = site.database.read_sync(
        lambda uow: uow.session.exec(
            select(LoginSession.id).where(LoginSession.user_id == NUMBER["user"])
        ).all()
    )
    assert stored and site.cookies["user"] not in stored
    for session_id in stored:
        answer = await site.client("").get("/api/user/self", headers={"cookie": f"session={session_id}"})
        assert answer.status_code == 401


async def reads_itself(site, who, by):
    answer = (await site.client(who, by).get("/api/user/self")).json()
    return answer["success"]


ENDINGS = {
    "disabled": ("POST", "/api/user/manage", {"username": "user", "action": "disable"}),
    "disabled by an edit": ("PUT", "/api/user", {"id": NUMBER["user"], "status": 2}),
    "deleted": ("DELETE", f"/api/user/{NUMBER['user']}", None),
    "deleted by managing": ("POST", "/api/user/manage", {"username": "user", "action": "delete"}),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_the_banned_are_out_at_once(site, how):
    method, path, body = ENDINGS[how]
    assert await reads_itself(site, "user", "cookie") and await reads_itself(site, "user", "token")
    await site.client("root").request(method, path, json=body)
    for by in ("cookie", "token"):
        answer = await site.client("user", by).get("/api/user/self")
        assert answer.json() == {"success": False, "message": "用户已被封禁"}
    signing_in = await site.client("").post("/api/user/login", json=GOOD)
    assert not signing_in.json()["success"] and "set-cookie" not in signing_in.headers


async def test_the_end_of_a_ban_does_not_bring_old_sessions_back(site):
    for action in ("disable", "enable"):
        order = {"username": "user", "action": action}
        assert (await site.client("root").post("/api/user/manage", json=order)).json()["success"]
    assert not await reads_itself(site, "user", "cookie")
    assert await reads_itself(site, "user", "token")


async def test_a_new_password_ends_the_other_sessions(site):
    other = cookie_of(await site.client("").post("/api/user/login", json=GOOD)).value
    new = {"password": "another horse"}
    assert (await site.client("user", "cookie").put("/api/user/self", json=new)).json()["success"]
    assert await reads_itself(site, "user", "cookie")
    gone = await site.client("").get("/api/user/self", headers={"cookie": f"session={other}"})
    assert gone.status_code == 401


async def test_a_password_set_by_an_admin_ends_all_sessions(site):
    patch = {"id": NUMBER["user"], "password": "another horse"}
    assert (await site.client("admin").put("/api/user", json=patch)).json()["success"]
    assert not await reads_itself(site, "user", "cookie")


async def test_signing_out_ends_the_session_itself(site):
    await site.client("user", "cookie").get("/api/user/logout")
    again = await site.client("").get("/api/user/self", headers={"cookie": f"session={site.cookies['user']}"})
    assert again.status_code == 401


async def test_a_demotion_counts_at_once(site):
    assert (await site.client("admin", "cookie").get("/api/channel")).json()["success"]
    order = {"username": "admin", "action": "demote"}
    assert (await site.client("root").post("/api/user/manage", json=order)).json()["success"]
    for by in ("cookie", "token"):
        answer = (await site.client("admin", by).get("/api/channel")).json()
        assert answer == {"success": False, "message": "无权进行此操作，权限不足"}


async def test_a_replaced_access_token_is_dead(site):
    fresh = (await site.client("user").get("/api/user/token")).json()["data"]
    assert not await reads_itself(site, "user", "token")
    answer = await site.client("").get("/api/user/self", headers={"authorization": fresh})
    assert answer.json()["success"]


@pytest.mark.parametrize(
    "given", [str.upper, lambda token: token + " ", lambda token: token[:-1], lambda token: token[:-1] + "_"]
)
async def test_an_access_token_is_compared_exactly(site, given):
    """MySQL compares without case, PostgreSQL pads with blanks."""
    spoilt = given(access_token("user"))
    answer = await site.client("").get("/api/user/self", headers={"authorization": spoilt})
    if spoilt.strip() != access_token("user"):  # HTTP itself drops blanks at the end of a header
        assert not answer.json()["success"]


def test_an_unknown_name_takes_as_long_as_a_wrong_password(database):
    def add(uow):
        uow.session.add(User(username="known", password=hash_password(PASSWORD), role=1, status=1))

    database.run_sync(add)

    def seconds(name):
        taken = []
        for _ in range(7):
            begun = time.process_time()
            with pytest.raises(accounts.Forbidden):
                database.run_sync(
                    accounts.sign_in,
                    credentials=accounts.Credentials(name, "wrong horse 1"),
                    options=accounts.OptionValues({}),
                )
            taken.append(time.process_time() - begun)
        return statistics.median(taken)

    known, unknown = seconds("known"), seconds("unknown")
    assert 0.5 < known / unknown < 2, (known, unknown)
