"""What a slave with FRONTEND_BASE_URL answers to what it has not."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from oneapi_app.errors import SettingsError
from oneapi_app.gateway import Gateway
from oneapi_app.kit.database import Database
from oneapi_app.kit.request_uri import request_uri
from oneapi_app.rest.app import create_rest_app
from oneapi_app.runtime import open_runtime
from oneapi_app.settings import Settings, load_settings

PAGES = "https://pages.example"


@pytest.fixture(params=["slave", "master"])
async def node(
    request: pytest.FixtureRequest, database: Database, database_settings: Settings, tmp_path: Path
):
    settings = replace(
        database_settings,
        data_dir=str(tmp_path),
        node_type=request.param,
        frontend_base_url=f"{PAGES}/",
    )
    runtime = open_runtime(settings, database)
    front = Gateway(
        relay=runtime.relay,
        rest=create_rest_app(runtime),
        console=None,
        page_limit=runtime.page_wait_s,
        elsewhere=settings.pages_elsewhere,
    )
    async with runtime.running():
        transport = httpx.ASGITransport(front)
        async with httpx.AsyncClient(transport=transport, base_url="http://node.test") as client:
            yield request.param, client


@pytest.mark.parametrize(
    "uri",
    ["/", "/token?p=1&q=%2F%20x", "/a%2Fb/", "/api/no/such?x=1", "/v1/no/such", "//evil.example/x", "/v1"],
)
async def test_unmatched_paths(node: tuple[str, httpx.AsyncClient], uri: str):
    kind, client = node
    request = client.build_request("GET", "http://node.test/")
    request.url = request.url.copy_with(raw_path=uri.encode())
    answer = await client.send(request)
    if kind == "slave":
        assert answer.status_code == 301
        assert answer.headers["location"] == PAGES + uri
        assert httpx.URL(answer.headers["location"]).host == "pages.example"
    else:
        assert answer.status_code == 404


async def test_matched_paths(node: tuple[str, httpx.AsyncClient]):
    _, client = node
    assert (await client.get("/api/status")).status_code == 200
    assert (await client.get("/v1/models")).status_code == 401
    assert (await client.post("/v1/chat/completions", json={})).status_code == 401


def test_a_uri_cannot_change_the_host():
    assert request_uri({"path": "@evil.example/", "query_string": b""}) == "/@evil.example/"
    assert request_uri({"path": "*", "raw_path": b"*", "query_string": b"a=1"}) == "/*?a=1"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "pages.example", "https://x\r\nset-cookie: a=b", "https://页"]
)
def test_an_address_that_is_none(url: str):
    with pytest.raises(SettingsError, match="FRONTEND_BASE_URL"):
        load_settings({"FRONTEND_BASE_URL": url}, dotenv=None)
