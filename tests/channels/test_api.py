"""The REST routes of channels over the whole management API, in this process."""

import asyncio

import httpx
import pytest

from oneapi_app.actor import ADMIN, COMMON
from oneapi_app.models import Channel
from oneapi_app.rest.app import create_rest_app
from oneapi_app.runtime import open_runtime
from tests.support.people import add_user

KEY = "very-secret-key"


@pytest.fixture
async def api(database, database_settings, tmp_path):
    """``api(token)`` is a client of the API; tokens: admin, user."""
    from dataclasses import replace

    add_user(database, "admin", role=ADMIN)
    add_user(database, "user", role=COMMON)
    settings = replace(database_settings, data_dir=str(tmp_path), api_rate_limit=0)
    runtime = open_runtime(settings, database)
    clients = []

    def client(token):
        headers = {"authorization": token} if token else {}
        transport = httpx.ASGITransport(create_rest_app(runtime))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers))
        return clients[-1]

    async with runtime.running():
        yield client
        for made in clients:
            await made.aclose()


async def make(client, **fields):
    body = {"type": 1, "name": "one", "key": KEY, "models": "m", "group": "default"} | fields
    answer = (await client.post("/api/channel/", json=body)).json()
    assert answer == {"message": "", "success": True}
    return (await client.get("/api/channel/?p=0")).json()["data"][0]["id"]


async def test_a_channels_life(api):
    admin = api("admin")
    channel_id = await make(admin)
    answers = [
        await admin.get("/api/channel/"),
        await admin.get("/api/channel/search?keyword=on"),
        await admin.get(f"/api/channel/{channel_id}/"),
        await admin.put("/api/channel/", json={"id": channel_id, "name": "two", "priority": 3}),
        await admin.delete(f"/api/channel/{channel_id}"),
    ]
    assert all(answer.status_code == 200 and answer.json()["success"] for answer in answers)
    assert all(KEY not in answer.text for answer in answers)
    assert answers[3].json()["data"]["name"] == "two" and answers[3].json()["data"]["key"] == ""
    assert (await admin.get("/api/channel/")).json()["data"] == []
    assert (await admin.get(f"/api/channel/{channel_id}")).json() == {
        "message": "record not found",
        "success": False,
    }


async def test_lists_of_models_and_groups(api):
    admin, user = api("admin"), api("user")
    by_type = (await user.get("/api/models")).json()["data"]
    assert "gpt-4o" in by_type["1"] and by_type["43"] is None
    assert (await admin.get("/api/group/")).json()["data"] == ["default", "svip", "vip"]
    catalogue = (await admin.get("/api/channel/models")).json()
    assert catalogue["object"] == "list" and len(catalogue["data"]) > 400


ROUTES = [
    ("GET", "/api/channel/"),
    ("GET", "/api/channel/search"),
    ("GET", "/api/channel/models"),
    ("GET", "/api/channel/1"),
    ("GET", "/api/channel/test"),
    ("GET", "/api/channel/test/1"),
    ("GET", "/api/channel/update_balance"),
    ("GET", "/api/channel/update_balance/1"),
    ("GET", "/api/group/"),
    ("POST", "/api/channel/"),
    ("PUT", "/api/channel/"),
    ("DELETE", "/api/channel/1"),
    ("DELETE", "/api/channel/disabled"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_is_for_admins(api, database, method, path):
    admin = api("admin")
    await make(admin)
    body = {"id": 1, "name": "x", "key": "y", "status": 2}
    nobody = await api("").request(method, path, json=body)
    assert nobody.status_code == 401 and not nobody.json()["success"]
    user = await api("user").request(method, path, json=body)
    assert user.json() == {"message": "无权进行此操作，权限不足", "success": False}
    stored = database.read_sync(lambda uow: uow.session.get(Channel, 1))
    assert (stored.name, stored.key, stored.status) == ("one", KEY, 1)


BODIES = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b'{"type":"one"}',
    b'{"id":99999999999999999999999999}',
    b'{"name":"\\ud800","key":"k"}',
    b'{"name":"\\u0000","key":"k"}',
    b'{"name":"\xff","key":"k"}',
    b'{"key":{"a":1}}',
    b'{"weight":-1,"key":"k"}',
    b'{"priority":1e400,"key":"k"}',
    b"[" * 100_000,
    b'{"key":"' + b"k" * (5 << 20) + b'"}',
]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("body", BODIES, ids=[repr(body[:20]) for body in BODIES])
async def test_a_bad_body_is_refused_in_words_and_nothing_is_written(api, method, body):
    admin = api("admin")
    answer = await admin.request(method, "/api/channel/", content=body)
    assert answer.status_code == 200
    assert answer.json()["success"] is False and answer.json()["message"]
    assert (await admin.get("/api/channel/")).json()["data"] == []


@pytest.mark.parametrize("channel_id", ["0", "x", "-1", "1e3", "99999999999999999999", "%00", "1%20or%201"])
async def test_odd_ids_are_no_channel(api, channel_id):
    admin = api("admin")
    await make(admin)
    for method, path in (
        ("GET", f"/api/channel/{channel_id}"),
        ("GET", f"/api/channel/test/{channel_id}"),
        ("GET", f"/api/channel/update_balance/{channel_id}"),
    ):
        answer = (await admin.request(method, path)).json()
        assert answer["success"] is False and answer["message"]
    await admin.delete(f"/api/channel/{channel_id}")
    assert len((await admin.get("/api/channel/")).json()["data"]) == 1


@pytest.mark.parametrize("page", ["-1", "x", "", "99999999999999999999", "9" * 17])
async def test_odd_pages_answer(api, page):
    assert (await api("admin").get("/api/channel/", params={"p": page})).json()["success"]


@pytest.mark.parametrize("keyword", ["", "%", "_", "'", "\0", "9" * 40, "²", "one"])
async def test_search_takes_words_literally(api, keyword):
    admin = api("admin")
    await make(admin)
    found = (await admin.get("/api/channel/search", params={"keyword": keyword})).json()
    assert found["success"]
    assert len(found["data"]) == (keyword in ("", "one"))


async def test_a_test_of_a_channel_nobody_answers_on(api):
    admin = api("admin")
    channel_id = await make(admin, base_url="http://127.0.0.1:9")
    answer = (await admin.get(f"/api/channel/test/{channel_id}?model=m")).json()
    assert answer["success"] is False and answer["time"] == 0 and answer["modelName"] == "m"
    assert "127.0.0.1:9" in answer["message"] and KEY not in answer["message"]


async def test_tests_of_all_run_one_at_a_time(api):
    admin = api("admin")
    hung = asyncio.Event()

    async def never_answer(_reader, writer):
        await hung.wait()
        writer.close()

    async with await asyncio.start_server(never_answer, "127.0.0.1", 0) as vendor:
        await make(admin, base_url=f"http://127.0.0.1:{vendor.sockets[0].getsockname()[1]}")
        assert (await admin.get("/api/channel/test")).json()["success"]
        second = await admin.get("/api/channel/test?scope=disabled")
        hung.set()
    assert second.json() == {"message": "测试已在运行中", "success": False}
