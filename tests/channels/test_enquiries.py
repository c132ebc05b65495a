"""Balances and model lists, asked of vendors that answer from a table."""

import httpx
import pytest

from oneapi_app.actor import ADMIN, COMMON
from oneapi_app.channels import balances as balances_module
from oneapi_app.channels import service
from oneapi_app.channels.balances import Balances
from oneapi_app.channels.enquiries import open_client
from oneapi_app.channels.schemas import ChannelDraft
from oneapi_app.channels.upstream_models import fetch_models
from oneapi_app.errors import AppError, Forbidden, InvalidInput, Unavailable
from oneapi_app.models import Channel
from oneapi_app.settings import default_settings
from tests.support.people import add_user


def record(channel_type, base_url="", key="sk-secret", **fields):
    from oneapi_app.channels.policy import to_record

    return to_record(Channel(type=channel_type, key=key, base_url=base_url, **fields))


def vendor(answers, seen=None):
    """``answers``: (host + path) -> JSON, or a status."""

    def answer(request):
        if seen is not None:
            seen.append(request)
        found = answers.get(request.url.host + request.url.path, 404)
        return (
            httpx.Response(found, json={"error": {"message": "no"}})
            if isinstance(found, int)
            else (httpx.Response(200, **found if "text" in found else {"json": found}))
        )

    return httpx.MockTransport(answer)


BALANCES = [
    (
        1,
        {
            "api.openai.com/v1/dashboard/billing/subscription": {
                "hard_limit_usd": 20,
                "has_payment_method": True,
            },
            "api.openai.com/v1/dashboard/billing/usage": {"total_usage": 350},
        },
        16.5,
    ),
    (4, {"api.closeai-proxy.xyz/dashboard/billing/credit_grants": {"total_available": 3}}, 3),
    (5, {"api.openai-sb.com/sb-api/user/status": {"data": {"credit": "70000"}}}, 70000),
    (10, {"aiproxy.io/api/report/getUserOverview": {"data": {"totalPoints": 12}}}, 12),
    (12, {"api.api2gpt.com/dashboard/billing/credit_grants": {"total_remaining": 9}}, 9),
    (13, {"api.aigc2d.com/dashboard/billing/credit_grants": {"total_available": 8}}, 8),
    (20, {"openrouter.ai/api/v1/credits": {"data": {"total_credits": 10, "total_usage": 2.5}}}, 7.5),
    (
        36,
        {
            "api.deepseek.com/user/balance": {
                "balance_infos": [
                    {"currency": "USD", "total_balance": "1"},
                    {"currency": "CNY", "total_balance": "14.20"},
                ]
            }
        },
        14.2,
    ),
    (44, {"api.siliconflow.cn/v1/user/info": {"code": 20000, "data": {"totalBalance": "0.88"}}}, 0.88),
]


@pytest.mark.parametrize(
    ("channel_type", "answers", "expected"), BALANCES, ids=[str(row[0]) for row in BALANCES]
)
async def test_each_vendor_is_asked_in_its_way(channel_type, answers, expected):
    seen = []
    async with open_client("", vendor(answers, seen)) as client:
        assert await balances_module.ask(record(channel_type), client) == expected
    for request in seen:
        key_in_query = channel_type == 5
        assert ("sk-secret" in str(request.url)) is key_in_query
        header = "api-key" if channel_type == 10 else "authorization"
        assert ("sk-secret" in request.headers.get(header, "")) is not key_in_query


@pytest.mark.parametrize(
    ("channel_type", "answers", "message"),
    [
        (36, {"api.deepseek.com/user/balance": {"balance_infos": []}}, "currency CNY not found"),
        (44, {"api.siliconflow.cn/v1/user/info": {"code": 1}}, "code: 1"),
        (4, {"api.closeai-proxy.xyz/dashboard/billing/credit_grants": {}}, "无法识别渠道返回的内容"),
        (
            4,
            {"api.closeai-proxy.xyz/dashboard/billing/credit_grants": {"text": "<html>"}},
            "无法识别渠道返回的内容",
        ),
        (4, {"api.closeai-proxy.xyz/dashboard/billing/credit_grants": 401}, "status code: 401 no"),
    ],
)
async def test_a_vendor_that_does_not_tell_is_quoted(channel_type, answers, message):
    async with open_client("", vendor(answers)) as client:
        with pytest.raises(Unavailable) as caught:
            await balances_module.ask(record(channel_type), client)
    assert caught.value.zh == message


async def test_types_that_cannot_tell():
    async with open_client("", vendor({})) as client:
        with pytest.raises(InvalidInput) as caught:
            await balances_module.ask(record(3), client)
    assert caught.value.zh == "尚未实现"


async def test_a_key_the_vendor_repeats_is_not_passed_on():
    def answer(_request):
        return httpx.Response(401, json={"error": {"message": "bad key sk-secret!"}})

    async with open_client("", httpx.MockTransport(answer)) as client:
        with pytest.raises(Unavailable) as caught:
            await balances_module.ask(record(4), client)
    assert "sk-secret" not in caught.value.zh and "bad key ***!" in caught.value.zh


async def test_all_enabled_channels_whose_vendor_can_tell(database):
    admin = add_user(database, "amy", role=ADMIN)

    def channel(key, channel_type, status=1):
        draft = ChannelDraft(type=channel_type, name=key, key=key, status=status)
        return database.run_sync(service.create, admin, draft=draft)[0]

    told, refused, mute = channel("a", 4), channel("b", 44), channel("c", 14)
    off = channel("d", 4, status=2)
    transport = vendor({"api.closeai-proxy.xyz/dashboard/billing/credit_grants": {"total_available": 3}})
    balances = Balances(database, default_settings(), transport)
    balances.start_all(admin)
    await balances._sweep.finished()
    assert (balances.progress.total, balances.progress.done, balances.progress.good) == (2, 2, 1)
    rows = {row.id: row for row in database.read_sync(service.list_newest, admin)}
    assert rows[told].balance == 3 and rows[told].balance_updated_time > 0
    assert all(rows[i].balance_updated_time == 0 for i in (refused, mute, off))
    with pytest.raises(Forbidden):
        balances.start_all(add_user(database, "common", role=COMMON))


async def models(channel_type, answers, **fields):
    seen = []
    async with open_client("", vendor(answers, seen)) as client:
        return await fetch_models(record(channel_type, **fields), client), seen


async def test_the_vendors_own_list_of_models():
    listed = {"data": [{"id": "b"}, {"id": "a"}, {"id": "b"}]}
    found, _ = await models(1, {"api.openai.com/v1/models": listed})
    assert found == ["a", "b"]
    found, _ = await models(50, {"own.example/v9/models": listed}, base_url="https://own.example/v9")
    assert found == ["a", "b"]
    found, _ = await models(39, {"api.together.xyz/v1/models": {"text": '[{"id":"x"}]'}})
    assert found == ["x"]


@pytest.mark.parametrize("channel_type", [8, 50])
async def test_without_an_address_nobody_is_asked(channel_type):
    with pytest.raises(InvalidInput):
        await models(channel_type, {})


AZURE, ANTHROPIC, GEMINI, OLLAMA = 3, 14, 24, 30


async def test_a_vendor_with_addresses_of_its_own_has_no_list():
    with pytest.raises(InvalidInput):
        await models(AZURE, {}, base_url="https://x.example")


async def test_lists_in_other_dialects_over_several_pages():
    pages = iter(
        [
            {"data": [{"id": "claude-1"}], "has_more": True, "last_id": "claude-1"},
            {"data": [{"id": "claude-2"}], "has_more": False},
            {
                "models": [
                    {"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"]},
                    {"name": "models/other", "supportedGenerationMethods": ["predict"]},
                ],
                "nextPageToken": "p2",
            },
            {"models": [{"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}]},
            {"models": [{"name": "llama3:8b"}]},
        ]
    )
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, json=next(pages))

    async def ask(channel_type):
        async with open_client("", httpx.MockTransport(answer)) as client:
            return await fetch_models(record(channel_type), client)

    assert await ask(ANTHROPIC) == ["claude-1", "claude-2"]
    assert await ask(GEMINI) == ["embed", "gemini-x"]
    assert await ask(OLLAMA) == ["llama3:8b"]
    assert [request.headers.get("x-api-key", "") for request in seen[:2]] == ["sk-secret"] * 2
    assert "after_id=claude-1" in str(seen[1].url) and "pageToken=p2" in str(seen[3].url)
    assert not any("sk-secret" in str(request.url) for request in seen)


async def test_a_refusal_is_quoted():
    with pytest.raises(AppError) as caught:
        await models(1, {"api.openai.com/v1/models": 401})
    assert "401" in caught.value.en and "no" in caught.value.en
