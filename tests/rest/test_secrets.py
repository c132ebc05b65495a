"""What is secret stays inside: every answer of every reading route, as everybody, and the log, are searched for it."""

import logging

import pytest

from oneapi_app.actor import ADMIN
from tests.rest.authorisation import MATRIX
from tests.support.site import (
    CHANNEL,
    CHANNEL_KEY,
    NUMBER,
    OPTION_SECRET,
    PEOPLE,
    SECRETS,
    access_token,
    token_key,
)

GETS = [name for name in MATRIX if name.startswith("GET ") and name != "GET /api/user/token"]
WHO = ("", "disabled", "user", "admin", "root", "fresh_root")
SIGNS_OUT = "GET /api/user/logout"


def requests_of(name):
    """The row's own call, every object's number, and queries that widen."""
    _, path = name.split(" ")
    call = MATRIX[name].call
    if "{" in path:
        key = path[path.index("{") + 1 : path.index("}")]
        for number in (*NUMBER.values(), CHANNEL):
            yield path.format(**{key: number}), {}
    else:
        yield path, dict(call.query)
        for query in ({"keyword": ""}, {"p": "0"}, {"p": "1"}, {"order": "quota"}):
            yield path, query


def planted_for(who):
    """What this caller may not see, token keys and codes of others among it."""
    keys = {token_key(name) for name in PEOPLE if name != who}
    codes = set() if who in ("admin", "root") else {f"{number:032d}" for number in NUMBER.values()}
    return SECRETS | keys | codes


@pytest.mark.parametrize("who", WHO)
async def test_no_reading_answer_holds_a_secret(site, who, caplog):
    caplog.set_level(logging.DEBUG)
    found = 0
    for name in GETS:
        for path, query in requests_of(name):
            for by in ("token", "cookie") if who and name != SIGNS_OUT else ("token",):
                answer = await site.client(who, by).get(path, params=query)
                text = answer.text
                found += answer.status_code == 200
                for secret in planted_for(who):
                    assert secret not in text, (who, path, query, secret)
    assert found > 20
    own = {access_token(who), site.cookies.get(who, "-")}
    for secret in SECRETS | own:
        assert secret not in caplog.text


async def test_no_writing_answer_holds_a_secret(site, caplog):
    caplog.set_level(logging.DEBUG)
    root = site.client("root")
    answers = [
        await root.put("/api/channel", json={"id": CHANNEL, "name": "renamed"}),
        await root.put("/api/channel", json={"id": CHANNEL, "key": "new-channel-key-planted"}),
        await root.put("/api/user", json={"id": NUMBER["user"], "password": "planted password"}),
        await root.post("/api/user/manage", json={"username": "user", "action": "disable"}),
        await root.put("/api/option", json={"key": "SMTPToken", "value": "planted option"}),
        await root.get("/api/option"),
        await root.get("/api/channel"),
        await root.get(f"/api/channel/test/{CHANNEL}"),
        await root.get(f"/api/channel/update_balance/{CHANNEL}"),
        await site.client("").post("/api/user/login", json={"username": "root", "password": "planted guess"}),
    ]
    planted = SECRETS | {"new-channel-key-planted", "planted password", "planted option", "planted guess"}
    for answer in answers:
        for secret in planted:
            assert secret not in answer.text, (answer.request.url, secret)
    for secret in planted:
        assert secret not in caplog.text


async def test_errors_do_not_repeat_what_was_sent(site, caplog):
    caplog.set_level(logging.DEBUG)
    sent = "planted-in-a-request"
    for name, row in MATRIX.items():
        method, path = name.split(" ")
        if row.call.json is None or "{" in path:
            continue
        for body in (
            {field: {sent: sent} for field in row.call.json},
            [sent],
            {"password": sent, "key": [sent]},
        ):
            answer = await site.client("root").request(method, path, json=body)
            assert sent not in answer.text, name
    assert sent not in caplog.text


async def test_a_failure_inside_tells_nothing(site, caplog):
    """A handler that breaks: a request id for the caller, and neither headers nor bodies in the log."""

    @site.api.get("/api/breaks")
    async def breaks():
        raise RuntimeError("out of luck")

    answer = await site.client("root", "cookie").get(
        "/api/breaks?key=planted-query", headers={"authorization": "planted-header"}
    )
    assert answer.status_code == 500
    said = answer.json()
    assert said["success"] is False and "out of luck" not in answer.text
    assert answer.headers["x-oneapi-request-id"] in said["message"]
    assert answer.headers["x-oneapi-request-id"] in caplog.text
    for secret in ("planted-query", "planted-header", site.cookies["root"]):
        assert secret not in caplog.text


async def test_the_channels_secrets_in_its_configuration_stay(site):
    config = '{"region":"r","ak":"a","sk":"planted-sk","vertex_ai_adc":"planted-adc"}'
    await site.client("root").put("/api/channel", json={"id": CHANNEL, "config": config})
    for path in ("/api/channel", f"/api/channel/{CHANNEL}", "/api/channel/search?keyword=one"):
        text = (await site.client("root").get(path)).text
        assert "planted-" not in text and '\\"region\\"' in text


async def test_searching_does_not_find_by_secrets(site):
    """An answer's length must not tell whether a guess begins a secret."""
    for keyword in (CHANNEL_KEY[:8], OPTION_SECRET[:8], access_token("root")[:10], "$2a$"):
        for path in (
            "/api/channel/search",
            "/api/user/search",
            "/api/redemption/search",
            "/api/token/search",
        ):
            rows = (await site.client("root").get(path, params={"keyword": keyword})).json()["data"]
            assert rows == [], (path, keyword)
    assert PEOPLE["admin"][0] == ADMIN
