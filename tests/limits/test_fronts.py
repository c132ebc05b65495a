"""Which requests each front counts, and how it refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from oneapi_app.gateway import Gateway
from oneapi_app.kit.database import Database
from oneapi_app.rest.app import create_rest_app
from oneapi_app.runtime import open_runtime
from oneapi_app.settings import Settings


async def console(scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def client(database: Database, database_settings: Settings, tmp_path: Path):
    limits = {"api_rate_limit": 4, "critical_rate_limit": 2, "web_rate_limit": 3, "debug": True}
    settings = replace(database_settings, data_dir=str(tmp_path), **limits)
    runtime = open_runtime(settings, database)
    front = Gateway(
        relay=runtime.relay,
        rest=create_rest_app(runtime),
        console=console,
        page_limit=runtime.page_wait_s,
    )
    async with runtime.running():
        transport = httpx.ASGITransport(front, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://site.test") as made:
            yield made


async def statuses(
    client: httpx.AsyncClient, path: str, times: int, method: str = "GET", **how: Any
) -> list[int]:
    return [(await client.request(method, path, **how)).status_code for _ in range(times)]


async def test_the_general_limit_is_of_the_api_and_the_billing_paths(client: httpx.AsyncClient):
    assert await statuses(client, "/api/status", 2) == [200, 200]
    assert await statuses(client, "/dashboard/billing/usage", 1) == [401]
    assert await statuses(client, "/v1/dashboard/billing/subscription", 2) == [401, 429]
    assert await statuses(client, "/api/no/such/path", 1) == [429]
    refused = await client.get("/dashboard/billing/usage")
    assert (refused.status_code, refused.content) == (429, b"")
    assert 170 < int(refused.headers["retry-after"]) <= 180
    assert await statuses(client, "/v1/models", 5) == [401] * 5
    assert await statuses(client, "/", 1) == [200]


async def test_the_critical_limit_is_one_for_all_such_paths(client: httpx.AsyncClient):
    assert await statuses(client, "/api/user/login", 1, "POST", json={}) == [200]
    assert await statuses(client, "/api/user/register/", 1, "POST", json={}) == [200]
    refused = await client.post("/api/user/login", json={})
    assert (refused.status_code, refused.content) == (429, b"")
    assert 1190 < int(refused.headers["retry-after"]) <= 1200


async def test_pages_and_unknown_paths_count_assets_do_not(client: httpx.AsyncClient):
    for path in ("/assets/index-abc.js", "/logo.svg"):
        assert await statuses(client, path, 10) == [200] * 10
    assert [await statuses(client, path, 1) for path in ("/", "/wp-login.php", "/token")] == [[200]] * 3
    refused = await client.get("/token")
    assert (refused.status_code, refused.content) == (429, b"")
    assert 170 < int(refused.headers["retry-after"]) <= 180
    assert await statuses(client, "/assets/index-abc.js", 1) == [200]
    assert await statuses(client, "/api/status", 1) == [200]


async def test_addresses_are_those_a_trusted_proxy_names(client: httpx.AsyncClient):
    """The peer is loopback, which is trusted; the header's left part is whatever the caller wrote."""
    for attempt in range(3):
        found = await statuses(
            client, "/", 1, headers={"x-forwarded-for": f"198.51.100.{attempt}, 203.0.113.1"}
        )
        assert found == [200]
    assert await statuses(client, "/", 1, headers={"x-forwarded-for": "198.51.100.9, 203.0.113.1"}) == [429]
    assert await statuses(client, "/", 1, headers={"x-forwarded-for": "203.0.113.2"}) == [200]


async def test_strangers_cannot_name_themselves(
    database: Database, database_settings: Settings, tmp_path: Path
):
    settings = replace(database_settings, data_dir=str(tmp_path), api_rate_limit=2)
    runtime = open_runtime(settings, database)
    async with runtime.running():
        transport = httpx.ASGITransport(create_rest_app(runtime), client=("203.0.113.5", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://site.test") as made:
            found = [
                (await made.get("/api/status", headers={"x-forwarded-for": f"192.0.2.{n}"})).status_code
                for n in range(3)
            ]
    assert found == [200, 200, 429]
