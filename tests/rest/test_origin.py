"""What a browser does for another site's sake: nothing changes, nobody is signed in, nothing is read."""

import pytest

from tests.support.site import IN_PASSING, NUMBER, access_token

OTHER_SITES = [
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "same-site", "origin": "https://sibling.site.test"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://site.test.evil.example"},
    {"origin": "http://[broken"},
]
OUR_OWN = [
    {"sec-fetch-site": "same-origin", "origin": "http://site.test"},
    {"sec-fetch-site": "none"},
    {"origin": "http://site.test"},
    {"origin": "https://site.test"},
    {"origin": "http://site.test:8080"},
    {"origin": "https://outer.test", "x-forwarded-host": "outer.test"},
    {},
]
LINKS = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "referer": "http://evil.example/"},
    {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
]
"""A followed link: with what newer browsers say, and what the others say over plain HTTP, sent by rel=noreferrer too."""


@pytest.mark.parametrize("headers", OTHER_SITES)
async def test_nothing_is_changed_for_another_site(site, headers):
    before = site.dump(but=IN_PASSING)
    client = site.client("root", "cookie")
    calls = [
        ("POST", "/api/token", {"name": "x"}),
        ("PUT", "/api/user/self", {"password": "stolen 123"}),
        ("DELETE", "/api/channel/1", None),
        ("PUT", "/api/option", {"key": "Notice", "value": "x"}),
    ]
    for method, path, body in calls:
        answer = await client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["success"]) == (403, False), path
    assert site.dump(but=IN_PASSING) == before


@pytest.mark.parametrize("headers", OUR_OWN)
async def test_our_own_pages_and_programs_may(site, headers):
    answer = await site.client("user", "cookie").post("/api/token", json={"name": "x"}, headers=headers)
    assert answer.json()["success"]


@pytest.mark.parametrize("headers", OTHER_SITES)
async def test_nobody_is_signed_in_by_another_site(site, headers):
    """As an attacker, with a form that holds JSON as text: it brings no cookie but would leave one."""
    body = b'{"username":"user2","password":"correct horse 1","a":"="}'
    answer = await site.client("").post(
        "/api/user/login", content=body, headers={**headers, "content-type": "text/plain"}
    )
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


async def test_a_program_in_a_browser_may_use_its_access_token(site):
    """No cookie is ridden on: who has the token has it."""
    headers = {"authorization": access_token("user"), **OTHER_SITES[0]}
    assert (await site.client("").post("/api/token", json={"name": "x"}, headers=headers)).json()["success"]


@pytest.mark.parametrize("headers", LINKS)
@pytest.mark.parametrize(
    "path",
    [
        "/api/user/token",
        "/api/user/aff",
        "/api/channel/test",
        "/api/channel/test/1",
        "/api/channel/update_balance",
        "/api/user/self",
    ],
)
async def test_a_link_on_another_site_does_nothing(site, headers, path):
    before = site.dump(but=IN_PASSING)
    answer = await site.client("root", "cookie").get(path, headers=headers)
    assert answer.status_code == 401
    assert site.dump(but=IN_PASSING) == before


@pytest.mark.parametrize("headers", LINKS)
async def test_a_link_does_not_sign_out(site, headers):
    answer = await site.client("user", "cookie").get("/api/user/logout", headers=headers)
    assert "set-cookie" not in answer.headers
    assert (await site.client("user", "cookie").get("/api/user/self")).json()["data"]["id"] == NUMBER["user"]


@pytest.mark.parametrize("headers", LINKS)
@pytest.mark.parametrize("path", ["/api/oauth/wechat?code=c", "/api/oauth/email/bind?code=c&email=e@x.org"])
async def test_a_link_neither_signs_in_nor_binds(site, headers, path):
    answer = await site.client("user", "cookie").get(path, headers=headers)
    assert answer.status_code in (401, 403) and "set-cookie" not in answer.headers


@pytest.mark.parametrize("headers", LINKS)
async def test_what_everybody_may_see_can_be_linked_to(site, headers):
    for path in ("/api/status", "/api/docs", "/api/openapi.json"):
        assert (await site.client("user", "cookie").get(path, headers=headers)).status_code == 200


async def test_no_answer_invites_other_sites(site):
    """No CORS on /api: a page of another site cannot read an answer, nor pass a preflight."""
    origin = {"origin": "https://evil.example", "access-control-request-method": "PUT"}
    for method, path in (("GET", "/api/status"), ("OPTIONS", "/api/token"), ("GET", "/api/user/self")):
        answer = await site.client("user").request(method, path, headers=origin)
        assert not any(name.startswith("access-control-") for name in answer.headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
