"""Whatever is sent to /api: an answer in the envelope, never a 500, and nothing half-written."""

import gzip
import json
import logging

import pytest

from oneapi_app.options import OPTIONS
from oneapi_app.rest.body import MAX_BODY_BYTES
from tests.rest.authorisation import MATRIX
from tests.support.site import IN_PASSING, NUMBER, access_token

MB = 1 << 20
RAW: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1e999",
    "half": b'{"id":1,',
    "two": b"{}{}",
    "a form": b"id=1&name=x",
    "invalid UTF-8": b'{"name":"\xff\xfe","username":"\xff","key":"\xc3"}',
    "UTF-16": '{"id":1}'.encode("utf-16"),
    "NUL": b"\0",
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"id":' * 100_000,
    "deep and closed": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "gzip": gzip.compress(b'{"id":1}'),
}
VALUES: dict[str, str] = {
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "a huge number": "1e400",
    "a huge integer": "9" * 5000,
    "an integer beyond 64 bits": str(2**64),
    "2**63": str(2**63),
    "-2**63": str(-(2**63)),
    "2**63-1": str(2**63 - 1),
    "a fraction": "1.5",
    "a NUL": '"a\\u0000b"',
    "half a surrogate pair": '"\\ud800"',
    "the other half": '"\\udfff"',
    "an emoji": '"\\ud83d\\ude00"',
    "100,000 characters": '"' + "x" * 100_000 + '"',
    "an object": '{"a":1}',
    "a list": "[1]",
    "true": "true",
    "null": "null",
    "quotes": '"\' OR 1=1; DROP TABLE users; --"',
    "a backslash": '"\\\\"',
    "a line break": '"a\\r\\nSet-Cookie: x=y"',
}
WITH_BODY = [name for name, row in MATRIX.items() if isinstance(row.call.json, dict)]


def judge(answer, what):
    assert answer.status_code in (200, 400), (what, answer.status_code, answer.text[:300])
    said = answer.json()
    assert isinstance(said["success"], bool) and isinstance(said["message"], str), what
    assert said["success"] or said["message"], what
    assert "Traceback" not in answer.text and "sqlalchemy" not in answer.text and "SELECT" not in answer.text
    return said["success"]


@pytest.mark.parametrize("name", WITH_BODY)
async def test_bodies_that_are_none(site, name):
    method, path = name.split(" ")
    before = site.dump(but=IN_PASSING)
    for what, body in RAW.items():
        for kind in ("application/json", "text/plain"):
            answer = await site.client("root").request(
                method, path, content=body, headers={"content-type": kind}
            )
            assert judge(answer, what) is False, what
    assert site.dump(but=IN_PASSING) == before


@pytest.mark.parametrize("name", WITH_BODY)
async def test_odd_values_in_every_field(site, name):
    """One field at a time beside others that are fine; what is accepted can be read again."""
    method, path = name.split(" ")
    good = {
        field: NUMBER["user"] if value == "own" else value for field, value in MATRIX[name].call.json.items()
    }
    who = "admin" if name == "PUT /api/user/self" else "root"
    for field in good or ("email",):
        rest = ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in good.items() if k != field)
        for what, value in VALUES.items():
            body = "{" + f'"{field}":{value}' + ("," + rest if rest else "") + "}"
            judge(await site.client(who).request(method, path, content=body), (field, what))
    for list_path in (
        "/api/token",
        "/api/user",
        "/api/channel",
        "/api/redemption",
        "/api/log",
        "/api/option",
    ):
        assert (await site.client("root").get(list_path)).json()["success"], list_path


async def test_odd_values_on_the_servers(site):
    """PostgreSQL takes no NUL, MySQL no long name, neither a number beyond its column: refused, not a 500."""
    for name in (
        "POST /api/token",
        "PUT /api/user",
        "POST /api/redemption",
        "PUT /api/channel",
        "POST /api/topup",
    ):
        method, path = name.split(" ")
        good = MATRIX[name].call.json
        for field in good:
            for what in ("a NUL", "half a surrogate pair", "an emoji", "2**63", "2**63-1", "-2**63",
                         "100,000 characters", "a backslash", "quotes"):  # fmt: skip
                rest = ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in good.items() if k != field)
                body = "{" + f'"{field}":{VALUES[what]},{rest}'.rstrip(",") + "}"
                judge(await site.client("root").request(method, path, content=body), (name, field, what))


OPTION_TEXTS = (
    "",
    "NaN",
    "inf",
    "-1",
    "9" * 400,
    "9" * 5000,
    "1e999",
    "{}",
    '{"a":1e999}',
    '{"a":' + "9" * 400 + "}",
    '{"a":NaN}',
    '{"a":{"b":1}}',
    "[1]",
    "[" * 100_000,
    "true",
    "maybe",
    "a\0b",
    "\ud800",
    "javascript:alert(1)",
    "http://x\r\nSet-Cookie: a=b",
    "x" * 70_000,
)


async def test_odd_texts_in_every_option(site):
    for name in OPTIONS:
        for value in OPTION_TEXTS:
            body = json.dumps({"key": name, "value": value})
            judge(await site.client("root").put("/api/option", content=body), (name, value[:20]))
        for path in ("/api/status", "/api/option", "/api/user/self", "/api/group"):
            assert (await site.client("root").get(path)).json()["success"], (name, path)


async def test_the_last_of_repeated_keys_counts_for_everything(site):
    """One reading of a body, so no check sees another value than what is saved."""
    body = b'{"username":"user2","action":"enable","username":"root","action":"disable"}'
    answer = (await site.client("admin").post("/api/user/manage", content=body)).json()
    assert answer["message"] == "无权更新同权限等级或更高权限等级的用户信息"
    body = b'{"id":5,"role":1,"display_name":"a","role":100}'
    answer = (await site.client("admin").put("/api/user", content=body)).json()
    assert answer["success"] is False


async def test_a_body_beyond_the_limit_is_refused_without_being_kept(site):
    sent = 0

    async def endless():
        nonlocal sent
        yield b'{"name":"'
        while sent < 50 * MB:
            sent += MB
            yield b"x" * MB

    answer = await site.client("user").post("/api/token", content=endless())
    assert answer.json() == {"message": "请求体过大", "success": False}
    assert sent <= MAX_BODY_BYTES + 2 * MB


async def test_a_caller_who_hangs_up_changes_nothing_and_is_no_fault_of_ours(site, caplog):
    """A token's name arrives, and then nobody is there any more."""
    before = site.dump(but=IN_PASSING)
    arriving = iter(
        [{"type": "http.request", "body": b'{"name":"x"', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive():
        return next(arriving)

    async def send(message):
        assert message.get("status", 500) == 500

    headers = [(b"authorization", access_token("user").encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/token", "query_string": b"", "headers": headers}
    await site.app(scope | {"client": ("127.0.0.1", 1), "scheme": "http"}, receive, send)
    assert site.dump(but=IN_PASSING) == before
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_compressed_bodies_are_not_unpacked(site):
    """/api takes plain JSON only, so there is nothing to blow up."""
    bomb = gzip.compress(b'{"name":"' + b"x" * (20 * MB) + b'"}')
    answer = await site.client("user").post("/api/token", content=bomb, headers={"content-encoding": "gzip"})
    assert answer.json()["success"] is False


@pytest.mark.parametrize(
    "path",
    [
        "/api/token/%00",
        "/api/token/%2e%2e",
        "/api/token/1%2f..%2f2",
        "/api/token/" + "9" * 400,
        "/api/token/-1",
        "/api/token/1.0",
        "/api/token/0x1",
        "/api/token/٣",
        "/api/user/%F0%9F",
        "/api/user/self/../1",
        "/api/redemption/1;x",
    ],
)
async def test_odd_paths(site, path):
    answer = await site.client("user").get(path)
    assert answer.status_code in (200, 404)
    if answer.status_code == 200:
        assert answer.json()["success"] is False


@pytest.mark.parametrize(
    "query",
    [
        "p=99999999999999999999",
        "p=1e9",
        "p=-1",
        "p=%00",
        "p=%FF",
        "p[]=1",
        "p=1&p=2",
        "type=999999999999999999",
        "start_timestamp=NaN",
        "end_timestamp=99999999999999999",
        "channel=-99999999999999999",
        "username=%00",
        "username=%FF%FE",
        "username=%ED%A0%80",
        "order=id;DROP TABLE users",
        "keyword=%00",
        "keyword=%ED%A0%80",
        "keyword=" + "9" * 40,
        "keyword=" + "x" * 20_000,
        "&&==&",
        "%",
    ],
)
async def test_odd_queries(site, query):
    for path in ("/api/log", "/api/log/search", "/api/log/stat", "/api/log/self", "/api/user", "/api/user/search",
                 "/api/token", "/api/token/search", "/api/redemption/search", "/api/channel/search"):  # fmt: skip
        answer = await site.client("root").get(f"{path}?{query}")
        judge(answer, (path, query))
