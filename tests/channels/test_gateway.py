"""Tests and balances of channels through a real process and a vendor on a real socket."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from oneapi_app.settings import Settings
from tests.support.gateway import running_gateway
from tests.support.vendor import openai_vendor

ACCESS = "0123456789abcdef0123456789abcdef"
BALANCES = {
    "/v1/dashboard/billing/subscription": {"hard_limit_usd": 20, "has_payment_method": False},
    "/v1/dashboard/billing/usage": {"total_usage": 350},
    "/dashboard/billing/credit_grants": {"total_available": 3.25},
    "/user/balance": {"balance_infos": [{"currency": "CNY", "total_balance": "14.20"}]},
    "/v1/user/info": {"code": 20000, "data": {"totalBalance": "0.88"}},
}
TELLING = {1: 16.5, 8: 16.5, 4: 3.25, 36: 14.2, 44: 0.88}
"""Types whose vendor is asked at the channel's own address; the others' addresses are fixed."""
WAIT_S = 20.0


@pytest.fixture
def vendor() -> Iterator[str]:
    with openai_vendor(BALANCES) as address:
        yield address


@pytest.fixture
def api(tmp_path, database_settings: Settings) -> Iterator[httpx.Client]:
    start = {"INITIAL_ROOT_PASSWORD": "long enough", "INITIAL_ROOT_ACCESS_TOKEN": ACCESS}
    with (
        running_gateway(tmp_path, database_settings, **start) as address,
        httpx.Client(base_url=address, headers={"authorization": ACCESS}, timeout=60) as client,
    ):
        yield client


def get(api: httpx.Client, path: str) -> Any:
    answer = api.get(path).json()
    assert answer["success"], answer
    return answer.get("data")


def add(api: httpx.Client, base_url: str, **fields: Any) -> int:
    channel = {"type": 1, "name": "c", "key": "k", "models": "m,n", "base_url": base_url} | fields
    assert api.post("/api/channel/", json=channel).json()["success"]
    return get(api, "/api/channel/?p=0")[0]["id"]


def channels(api: httpx.Client) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in get(api, "/api/channel/?p=0")}


def wait_for(api: httpx.Client, done: Any) -> dict[int, dict[str, Any]]:
    end = time.monotonic() + WAIT_S
    while not done(found := channels(api)):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def test_tests_of_one_of_all_and_of_the_disabled(api: httpx.Client, vendor: str) -> None:
    good = add(api, vendor, name="good")
    automatic = add(api, vendor, name="automatic", status=3)
    manual = add(api, vendor, name="manual", status=2)
    silent = add(api, "http://127.0.0.1:9", name="silent")
    for name in ("AutomaticDisableChannelEnabled", "AutomaticEnableChannelEnabled"):
        assert api.put("/api/option/", json={"key": name, "value": "true"}).json()["success"]

    answer = api.get(f"/api/channel/test/{good}/?model=n").json()
    assert answer == {"success": True, "message": "I am n", "time": answer["time"], "modelName": "n"}
    assert answer["time"] > 0
    assert api.get(f"/api/channel/test/{silent}").json()["success"] is False
    rows = get(api, "/api/log/?type=5")
    assert [(row["type"], row["user_id"], row["channel"], row["model_name"]) for row in rows] == [
        (5, 0, silent, "m"), (5, 0, good, "n"),
    ]  # fmt: skip
    assert rows[1]["content"] == "渠道 good 测试成功，响应：I am n"
    assert rows[0]["content"].startswith("渠道 silent 测试失败，错误：")
    assert channels(api)[good]["test_time"] > 0 and channels(api)[silent]["response_time"] == 0

    get(api, "/api/channel/test?scope=disabled")
    after = wait_for(api, lambda found: found[automatic]["status"] == 1)
    assert after[automatic]["response_time"] > 0
    after = wait_for(api, lambda found: found[manual]["test_time"] > 0)
    assert (after[manual]["status"], after[good]["status"]) == (2, 1), "switched off by hand stays so"

    get(api, "/api/channel/test/")
    wait_for(api, lambda _: len(get(api, "/api/log/?type=5")) == 8)
    assert channels(api)[silent]["status"] == 1, "nobody said that its key is dead"


def test_a_slow_channel_and_a_dead_key_are_switched_off_by_a_test_of_all(
    api: httpx.Client, vendor: str
) -> None:
    slow, dead = add(api, vendor), add(api, f"{vendor}", type=8, key="k")
    for name, value in (("AutomaticDisableChannelEnabled", "true"), ("ChannelDisableThreshold", "0.000001")):
        assert api.put("/api/option/", json={"key": name, "value": value}).json()["success"]
    get(api, "/api/channel/test?scope=all")
    found = wait_for(api, lambda found: all(row["status"] == 3 for row in found.values()))
    assert set(found) == {slow, dead}
    assert api.delete("/api/channel/disabled/").json() == {"data": 2, "message": "", "success": True}
    assert channels(api) == {}
    assert get(api, "/api/user/available_models") == [], "their abilities are gone as well"


def test_balances_where_the_address_is_the_channels_own(api: httpx.Client, vendor: str) -> None:
    ids = {kind: add(api, vendor, type=kind, name=str(kind)) for kind in TELLING}
    for kind, channel_id in ids.items():
        answer = api.get(f"/api/channel/update_balance/{channel_id}/").json()
        assert answer == {"success": True, "message": "", "balance": TELLING[kind]}
    found = channels(api)
    assert {kind: found[channel_id]["balance"] for kind, channel_id in ids.items()} == TELLING
    assert all(row["balance_updated_time"] > 0 for row in found.values())
    azure = add(api, vendor, type=3)
    assert api.get(f"/api/channel/update_balance/{azure}").json() == {"success": False, "message": "尚未实现"}
