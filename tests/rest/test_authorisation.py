"""The matrix of ``authorisation`` against the running API: every route, everybody, through REST."""

import pytest

from oneapi_app.actor import COMMON
from oneapi_app.rest.description import PUBLIC, description_of
from oneapi_app.rest.openapi import described_routes
from tests.rest.authorisation import (
    BANNED,
    DONE,
    EXCEPTIONS,
    GUESTS,
    INITIAL,
    MATRIX,
    NOBODY,
    TOO_LOW,
    Call,
    Row,
)
from tests.support.site import IN_PASSING, NUMBER, PEOPLE, Site


async def test_every_route_has_its_row_and_every_row_its_route(site):
    routes = {f"{method} {path}": endpoint for method, path, endpoint in described_routes(site.api)}
    lacking = routes.keys() - MATRIX.keys()
    assert not lacking, f"say in tests/rest/authorisation.py who may call {sorted(lacking)}"
    assert not MATRIX.keys() - routes.keys()
    for name, endpoint in routes.items():
        assert description_of(endpoint).role == MATRIX[name].least, (
            f"{name}: @describes(role=…) says otherwise"
        )


@pytest.mark.parametrize("name", MATRIX)
async def test_who_may_call(site, name):
    """The refused first: nothing may have changed when the first who is allowed calls."""
    row = MATRIX[name]
    before = site.dump(but=IN_PASSING)
    allowed = []
    for who in GUESTS:
        expected = expect(name, row, who)
        if expected in (DONE, row.answers):
            allowed.append(who)
            continue
        for by in ("token", "cookie") if who else ("token",):
            assert await call(site, who, name, row.call, by) == expected, (who, by)
    for who, foreign, expected in row.foreign:
        assert await call(site, who, name, foreign) == expected, (who, foreign)
    assert site.dump(but=IN_PASSING) == before, "a refused call changed something"
    for who in allowed:
        outcome = await call(site, who, name, row.call)
        assert outcome.startswith(row.answers) or is_a_second_time(outcome), who


def expect(name: str, row: Row, who: str) -> str:
    if (name, who) in EXCEPTIONS:
        return EXCEPTIONS[name, who]
    if row.least == PUBLIC:
        return row.answers
    if not who:
        return NOBODY
    role, status = PEOPLE[who]
    if status != 1:
        return BANNED
    if who == "fresh_root":
        return row.answers if row.initial else INITIAL
    return row.answers if role >= row.least else TOO_LOW


def is_a_second_time(outcome: str) -> bool:
    """Those allowed call one after the other: what is gone, used or running already is no refusal."""
    again = (
        "record not found",
        "该兑换码已被使用",
        "兑换失败",
        "用户名已存在",
        "测试已在运行中",
        "余额更新已在运行中",
    )
    return outcome.startswith(again)


async def call(site: Site, who: str, name: str, made: Call, by: str = "token") -> str:
    """``DONE``, or the words of the refusal."""
    method, path = name.split(" ")
    numbers = {key: NUMBER[who or "user"] if value == "own" else value for key, value in made.path.items()}
    body = made.json
    if isinstance(body, dict) and body.get("id") == "own":
        body = {**body, "id": NUMBER[who or "user"]}
    answer = await site.client(who, by).request(
        method, path.format(**numbers), json=body, params=dict(made.query)
    )
    said = answer.json()
    assert answer.status_code == (401 if said.get("message") == NOBODY else answer.status_code)
    if "success" not in said:
        return DONE if answer.status_code == 200 else str(answer.status_code)
    return DONE if said["success"] else said["message"]


@pytest.mark.parametrize("by", ["token", "cookie"])
async def test_lists_hold_nothing_of_others(site, by):
    for who, role in (("user", COMMON), ("admin", 10), ("root", 100)):
        client = site.client(who, by)
        for path in ("/api/token", "/api/token/search?keyword=of"):
            rows = (await client.get(path)).json()["data"]
            assert {row["user_id"] for row in rows} == {NUMBER[who]}, (path, role)
        for path in ("/api/log/self", "/api/log/self/search?keyword=2"):
            rows = (await client.get(path)).json()["data"]
            assert {row["username"] for row in rows} == {who}, path


@pytest.mark.parametrize(
    "query", ["username=user2", "username=root", "channel=0&username=user2", "user_id=5", "user_ids=5"]
)
async def test_a_filter_does_not_widen_what_is_ones_own(site, query):
    rows = (await site.client("user").get(f"/api/log/self?{query}")).json()["data"]
    assert {row["username"] for row in rows} <= {"user"}
    summed = (await site.client("user").get(f"/api/log/self/stat?{query}")).json()
    assert summed["data"]["quota"] == 0


async def test_an_access_token_that_is_none(site):
    for given in ("x", "Bearer ", "Bearer x", "sk-" + "x" * 48, "é", "x" * 5000, "access-planted-%"):
        answer = await site.client("").get("/api/user/self", headers={"authorization": given.encode()})
        assert answer.json()["message"] in (NOBODY, "无权进行此操作，access token 无效"), given
