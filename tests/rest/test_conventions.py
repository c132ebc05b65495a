"""What all of ``/api`` shares: request ids, compression, both slash forms, three translated messages, unmatched paths."""

import re
from collections.abc import AsyncIterator

import pytest

from oneapi_app.actor import ROOT
from oneapi_app.kit.database import Database
from oneapi_app.settings import Settings
from tests.support.management import Management, management_api
from tests.support.people import add_user


@pytest.fixture
async def api(database: Database, database_settings: Settings, tmp_path) -> AsyncIterator[Management]:
    add_user(database, "root", role=ROOT)
    async with management_api(database, database_settings, tmp_path) as made:
        yield made


PATHS = [
    "/api/status",
    "/api/notice",
    "/api/about",
    "/api/home_page_content",
    "/api/models",
    "/api/group",
    "/api/option",
    "/api/user",
    "/api/user/self",
    "/api/user/dashboard",
    "/api/user/available_models",
    "/api/user/aff",
    "/api/user/search",
    "/api/token",
    "/api/token/search",
    "/api/channel",
    "/api/channel/search",
    "/api/channel/models",
    "/api/redemption",
    "/api/redemption/search",
    "/api/log",
    "/api/log/stat",
    "/api/log/search",
    "/api/log/self",
    "/api/log/self/stat",
    "/api/log/self/search",
]


@pytest.mark.parametrize("path", PATHS)
async def test_both_slash_forms_answer_alike(api: Management, path: str) -> None:
    root = api.as_("root")
    plain, slashed = await root.get(path), await root.get(f"{path}/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.json() == slashed.json()
    assert plain.json().get("success", True)
    for answer in (plain, slashed):
        assert re.fullmatch(r"\d{14}\d+", answer.headers["x-oneapi-request-id"])
        assert answer.headers["cache-control"] == "no-store"
    assert plain.headers["x-oneapi-request-id"] != slashed.headers["x-oneapi-request-id"]


async def test_long_answers_are_compressed_for_those_who_take_it(api: Management) -> None:
    root = api.as_("root")
    packed = await root.get("/api/models", headers={"accept-encoding": "gzip"})
    plain = await root.get("/api/models", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 3


@pytest.mark.parametrize(
    ("language", "parameter", "input_"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "无效的参数", "无效的输入，请检查您的输入"),
        ("ZH", "无效的参数", "无效的输入，请检查您的输入"),
        ("en-US", "invalid parameter", "Invalid input, please check your input"),
        ("fr", "invalid parameter", "Invalid input, please check your input"),
        ("", "invalid parameter", "Invalid input, please check your input"),
    ],
)
async def test_three_messages_follow_the_language(
    api: Management, language: str, parameter: str, input_: str
) -> None:
    headers = {"accept-language": language}
    nobody = api.as_("")
    login = await nobody.post("/api/user/login", json={"username": ""}, headers=headers)
    assert (login.json()["message"], login.json()["success"]) == (parameter, False)
    short = {"username": "a", "password": "x"}
    register = await nobody.post("/api/user/register", json=short, headers=headers)
    assert (register.json()["message"], register.json()["success"]) == (input_, False)
    banned = await nobody.post("/api/user/login", json=short, headers=headers)
    assert banned.json()["message"] == "用户名或密码错误，或用户已被封禁", "the others stay Chinese"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nothing"),
        ("POST", "/api/status"),
        ("DELETE", "/api/option/"),
        ("GET", "/api/topup"),
        ("GET", "/api"),
    ],
)
async def test_what_does_not_exist(api: Management, method: str, path: str) -> None:
    answer = await api.as_("root").request(method, path)
    assert answer.status_code == 404
    shown = path.rstrip("/")
    assert answer.json() == {
        "error": {
            "message": f"Invalid URL ({method} {shown})",
            "type": "invalid_request_error",
            "param": "",
            "code": "",
        }
    }


async def test_who_is_asking(api: Management) -> None:
    nobody = await api.as_("").get("/api/user/self")
    assert (nobody.status_code, nobody.json()["message"]) == (
        401,
        "无权进行此操作，未登录且未提供 access token",
    )
    wrong = await api.as_("wrong").get("/api/user/self")
    assert (wrong.status_code, wrong.json()["message"]) == (200, "无权进行此操作，access token 无效")
    assert (await api.as_("Bearer root").get("/api/user/self")).json()["data"]["username"] == "root"


LISTS = ["/api/user", "/api/token", "/api/channel", "/api/redemption", "/api/log", "/api/log/self"]


@pytest.mark.parametrize("path", LISTS)
async def test_whatever_page_is_asked_for(
    database: Database, database_settings: Settings, tmp_path, path: str
) -> None:
    add_user(database, "root", role=ROOT)
    async with management_api(database, database_settings, tmp_path) as api:
        root = api.as_("root")
        first = (await root.get(path)).json()
        assert first["success"]
        for page in ("-1", "--1", "x", "", "1.5", "1e3", "٣", "9" * 19, "%00", "0x1"):
            assert (await root.get(path, params={"p": page})).json() == first, page
        assert (await root.get(path, params={"p": "9" * 18})).json() == {
            "data": [],
            "message": "",
            "success": True,
        }
