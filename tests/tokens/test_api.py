"""The REST routes of tokens: everybody's own only, whatever the role, with the original's zero values."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from oneapi_app.actor import ADMIN
from oneapi_app.kit.database import Database
from oneapi_app.settings import Settings
from tests.support.management import Management, management_api
from tests.support.people import add_user

FIELDS = {
    "id", "user_id", "key", "status", "name", "created_time", "accessed_time", "expired_time", "remain_quota",
    "unlimited_quota", "used_quota", "models", "subnet",
}  # fmt: skip


@pytest.fixture
async def api(database: Database, database_settings: Settings, tmp_path) -> AsyncIterator[Management]:
    add_user(database, "amy")
    add_user(database, "admin", role=ADMIN)
    async with management_api(database, database_settings, tmp_path) as made:
        yield made


async def send(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == 200
    return answer.json()


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    return (await send(client, "POST", "/api/token/", fields))["data"]


async def test_a_tokens_life(api: Management) -> None:
    amy = api.as_("amy")
    made = await create(
        amy, name="日常", remain_quota=500, expired_time=0, key="chosen", used_quota=7, user_id=2
    )
    assert set(made) == FIELDS
    assert (made["expired_time"], made["remain_quota"], made["used_quota"], made["user_id"]) == (
        -1,
        500,
        0,
        1,
    )
    assert len(made["key"]) == 48 and made["models"] is None and made["subnet"] == ""
    path = f"/api/token/{made['id']}"
    assert (await send(amy, "GET", path))["data"] == (await send(amy, "GET", f"{path}/"))["data"] == made

    changed = (
        await send(amy, "PUT", "/api/token", {"id": made["id"], "name": "b", "models": "m", "status": 2})
    )["data"]
    assert (changed["status"], changed["remain_quota"], changed["expired_time"]) == (1, 0, 0), (
        "zero values count"
    )
    assert (changed["name"], changed["models"], changed["key"]) == ("b", "m", made["key"])
    off = await send(
        amy, "PUT", "/api/token/?status_only=true", {"id": made["id"], "status": 2, "name": "ignored"}
    )
    assert (off["data"]["status"], off["data"]["name"]) == (2, "b")
    assert await send(amy, "DELETE", f"{path}/") == {"message": "", "success": True}
    assert (await send(amy, "GET", path))["message"] == "record not found"
    assert (await send(amy, "DELETE", path))["message"] == "record not found"


async def test_lists_orders_and_search(api: Management) -> None:
    amy = api.as_("amy")
    for number in range(12):
        await create(amy, name=f"t_{number}", remain_quota=number, unlimited_quota=number == 5)
    names = [row["name"] for row in (await send(amy, "GET", "/api/token/?p=0"))["data"]]
    assert names == [f"t_{number}" for number in range(11, 1, -1)]
    assert [row["name"] for row in (await send(amy, "GET", "/api/token?p=1"))["data"]] == ["t_1", "t_0"]
    by_quota = (await send(amy, "GET", "/api/token/?order=remain_quota"))["data"]
    assert [row["name"] for row in by_quota][:3] == ["t_5", "t_11", "t_10"], "unlimited ones first"
    assert len((await send(amy, "GET", "/api/token/?order=used_quota&p=x"))["data"]) == 10
    found = (await send(amy, "GET", "/api/token/search?keyword=t_1"))["data"]
    assert [row["name"] for row in found] == ["t_1", "t_10", "t_11"]
    assert (await send(amy, "GET", "/api/token/search/?keyword=%25"))["data"] == []


async def test_nobody_sees_or_changes_anothers(api: Management) -> None:
    made = await create(api.as_("amy"), name="hers", remain_quota=5)
    admin = api.as_("admin")
    attempts = [
        ("GET", f"/api/token/{made['id']}", None),
        ("PUT", "/api/token/", {"id": made["id"], "name": "his"}),
        ("PUT", "/api/token/?status_only=true", {"id": made["id"], "status": 2}),
        ("DELETE", f"/api/token/{made['id']}", None),
    ]
    for method, path, body in attempts:
        assert (await send(admin, method, path, body))["message"] == "record not found"
    assert (await send(admin, "GET", "/api/token/"))["data"] == []
    assert (await send(admin, "GET", "/api/token/search?keyword="))["data"] == []
    assert (await send(api.as_("amy"), "GET", f"/api/token/{made['id']}"))["data"] == made


async def test_an_edit_is_the_ledgers_at_once(api: Management) -> None:
    amy = api.as_("amy")
    made = await create(amy, name="t", remain_quota=5)
    ledger = api.runtime.ledger
    await ledger.open_account(1, made["id"])
    await send(
        amy, "PUT", "/api/token/", {"id": made["id"], "name": "t", "remain_quota": 9, "expired_time": -1}
    )
    assert ledger.token_balance(made["id"]) == 9
    await send(amy, "PUT", "/api/token/", {"id": made["id"], "name": "t", "unlimited_quota": True})
    assert ledger.token_available(made["id"]) is None
