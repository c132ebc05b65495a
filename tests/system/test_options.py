"""Options: every one is checked before anything is saved, secrets never come back, and all count at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from sqlmodel import select

from oneapi_app.actor import ADMIN, ROOT, Actor
from oneapi_app.errors import Conflict, Forbidden, InvalidInput
from oneapi_app.kit.database import Database
from oneapi_app.models import Option
from oneapi_app.options import OPTIONS, OptionValues, attribute_name
from oneapi_app.settings import Settings, default_settings
from oneapi_app.system import service
from tests.support.management import Management, management_api
from tests.support.people import add_user

SITE_OWNER = Actor(1, "root", ROOT, "default")
SWITCHES = [name for name, option in OPTIONS.items() if option.default in ("true", "false")]
SECRETS = [name for name, option in OPTIONS.items() if option.secret]


def stored(database: Database) -> dict[str, str | None]:
    return database.read_sync(lambda uow: {row.key: row.value for row in uow.session.exec(select(Option))})


def save(database: Database, changes: Mapping[str, str]) -> None:
    database.run_sync(service.save_options, SITE_OWNER, changes=dict(changes))


def test_the_defaults_can_all_be_saved(database: Database) -> None:
    save(database, {name: option.default for name, option in OPTIONS.items() if name != "Theme"})
    values = OptionValues({name: value or "" for name, value in stored(database).items()})
    for name in OPTIONS:
        assert getattr(values, attribute_name(name)) == getattr(OptionValues({}), attribute_name(name)), name
    assert not values.unreadable


async def test_saved_for_the_first_time_twice_at_once(database: Database) -> None:
    saves = [
        database.run(service.save_option, SITE_OWNER, name=name, value=name)
        for _ in range(4)
        for name in ("SystemName", "Notice", "About")
    ]
    await asyncio.gather(*saves)
    assert stored(database) == {name: name for name in ("SystemName", "Notice", "About")}


GOOD = [
    ("SystemName", "网关　✨‍"),
    ("ChatLink", 'https://chat.example.com/#/?settings={"key":"{key}","url":"{address}"}'),
    ("TopUpLink", "/pay?user=1"),
    ("Logo", "data:image/png;base64,AAAA"),
    ("Logo", ""),
    ("EmailDomainWhitelist", "Example.com, 例子.中国,,"),
    ("SMTPFrom", "noreply@example.com"),
    ("SMTPFrom", "新闻 News <noreply@example.com>"),
    ("SMTPPort", "465"),
    ("QuotaPerUnit", "0.5"),
    ("ChannelDisableThreshold", "0"),
    ("ChannelDisableThreshold", "2.5"),
    ("RetryTimes", "0"),
    ("ModelRatio", '{"gpt-4o": 1.25, "free": 0, "openrouter/auto": -500000}'),
    ("GroupRatio", '{"default": 1, "教育": 0.25}'),
    ("OidcWellKnown", "https://id.example.com/.well-known/openid-configuration"),
    ("Notice", "# 公告\n\n**x**"),
    ("LogRetentionDays", "90"),
    ("Theme", "air"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_what_makes_sense_is_saved_word_for_word(database: Database, name: str, value: str) -> None:
    save(database, {name: value})
    assert stored(database) == {name: value}


BAD = [
    *((name, value) for name in SWITCHES for value in ("True", "1", "", "yes")),
    ("Unheard", "of"),
    ("unheard", ""),
    ("retrytimes", "1"),
    ("Theme", "nonsense"),
    ("Theme", ""),
    ("SMTPPort", "0"),
    ("SMTPPort", "65536"),
    ("SMTPPort", "smtp"),
    ("SMTPFrom", "nobody"),
    ("SMTPFrom", "News <nobody>"),
    ("SMTPFrom", "News\n <a@b>"),
    ("SMTPFrom", "a@b\r\nBcc: c@d"),
    ("SMTPServer", "mail\nx"),
    ("SystemName", "a\r\nb"),
    ("QuotaForNewUser", "-1"),
    ("QuotaForInviter", "1.5"),
    ("QuotaForInvitee", "9007199254740993"),
    ("QuotaRemindThreshold", "many"),
    ("PreConsumedQuota", ""),
    ("QuotaPerUnit", "0"),
    ("QuotaPerUnit", "-1"),
    ("QuotaPerUnit", "nan"),
    ("QuotaPerUnit", "inf"),
    ("QuotaPerUnit", "1e-300"),
    ("RetryTimes", "-1"),
    ("RetryTimes", "101"),
    ("RetryTimes", "3 times"),
    ("ChannelDisableThreshold", "-0.1"),
    ("LogRetentionDays", "-1"),
    ("ModelRatio", "{bad json"),
    ("ModelRatio", "[]"),
    ("ModelRatio", '{"a": "1"}'),
    ("ModelRatio", '{"a": true}'),
    ("ModelRatio", '{"good": 1, "bad": -1}'),
    ("ModelRatio", '{"a": NaN}'),
    ("ModelRatio", '{"a": 1e999}'),
    ("ModelRatio", "[" * 100_000),
    ("CompletionRatio", '{"a": null}'),
    ("GroupRatio", '"default"'),
    ("ServerAddress", "gw.example.com"),
    ("ServerAddress", "javascript:alert(1)"),
    ("TopUpLink", "javascript:alert(1)"),
    ("TopUpLink", "//evil.example"),
    ("ChatLink", "ftp://example.com"),
    ("Logo", "data:text/html,x"),
    ("OidcTokenEndpoint", "file:///etc/passwd"),
    ("WeChatServerAddress", "wechat"),
    ("MessagePusherAddress", "push.example.com"),
    ("EmailDomainWhitelist", "@example.com"),
    ("EmailDomainWhitelist", "localhost"),
    ("Notice", "n" * 65_537),
    ("Notice", "a\0b"),
    ("About", "\ud800"),
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=[f"{name}-{value[:20]!r}" for name, value in BAD])
def test_what_makes_none_is_refused_and_nothing_is_saved(database: Database, name: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        save(database, {"SystemName": "would be saved", name: value})
    assert stored(database) == {}


NEEDS = [
    ("GitHubOAuthEnabled", {"GitHubClientId": "id"}, "GitHub"),
    ("WeChatAuthEnabled", {"WeChatServerAddress": "https://w.example"}, "微信"),
    ("TurnstileCheckEnabled", {"TurnstileSiteKey": "site", "TurnstileSecretKey": "secret"}, "Turnstile"),
    ("OidcEnabled", {"OidcClientId": "id", "OidcWellKnown": "https://i.example/w"}, "OIDC"),
]


@pytest.mark.parametrize(("switch", "needs", "says"), NEEDS)
def test_a_switch_needs_what_it_works_with(
    database: Database, switch: str, needs: dict[str, str], says: str
) -> None:
    with pytest.raises(Conflict) as caught:
        save(database, {switch: "true"})
    assert says in caught.value.zh
    save(database, {switch: "true"} | needs)
    for name in needs:
        with pytest.raises(Conflict):
            save(database, {name: ""})
    save(database, dict.fromkeys(needs, "") | {switch: "false"})
    assert stored(database)[switch] == "false"


def test_restricting_domains_needs_some(database: Database) -> None:
    save(database, {"EmailDomainRestrictionEnabled": "true"})
    with pytest.raises(Conflict):
        save(database, {"EmailDomainWhitelist": " ,"})
    with pytest.raises(Conflict):
        save(database, {"EmailDomainWhitelist": ""})


def test_oidc_works_by_discovery_or_by_three_endpoints(database: Database) -> None:
    three = {
        name: "https://i.example/x" for name in OPTIONS if name.startswith("Oidc") and "Endpoint" in name
    }
    with pytest.raises(Conflict):
        save(
            database, {"OidcEnabled": "true", "OidcClientId": "id", "OidcTokenEndpoint": "https://i.example"}
        )
    save(database, {"OidcEnabled": "true", "OidcClientId": "id"} | three)


def test_secrets_never_come_back_and_what_was_emptied_is_shown_empty(database: Database) -> None:
    save(
        database,
        dict.fromkeys(SECRETS, "s3cret-value") | {"SystemName": "", "EmailDomainWhitelist": ""},
    )
    rows = database.read_sync(service.list_options, SITE_OWNER, settings=default_settings())
    shown = {row.key: row.value for row in rows}
    assert not shown.keys() & set(SECRETS)
    assert {"SMTPToken", "GitHubClientSecret", "WeChatServerToken", "MessagePusherToken"} <= set(SECRETS)
    assert {"TurnstileSecretKey", "LarkClientSecret", "OidcClientSecret"} <= set(SECRETS)
    assert "s3cret-value" not in str(shown)
    assert (shown["SystemName"], shown["EmailDomainWhitelist"]) == ("", "")
    assert shown["QuotaPerUnit"] == "500000" and '"gpt-4o"' in shown["ModelRatio"]
    view = database.read_sync(service.describe_options, SITE_OWNER, settings=default_settings())
    assert view.secrets_set == SECRETS and "s3cret-value" not in str(view.values)


def test_options_are_roots_alone(database: Database) -> None:
    admin = add_user(database, "admin", role=ADMIN)
    with pytest.raises(Forbidden):
        database.run_sync(service.save_option, admin, name="SystemName", value="x")
    with pytest.raises(Forbidden):
        database.read_sync(service.list_options, admin, settings=default_settings())


def test_rows_of_older_programs_are_read_leniently() -> None:
    values = OptionValues({"TopUpLink": "pay.example.com", "RetryTimes": "often", "Logo": "x y", "Old": "1"})
    assert (values.top_up_link, values.logo, values.retry_times) == ("pay.example.com", "x y", 0)
    assert set(values.unreadable) == {"RetryTimes"}


@pytest.fixture
async def api(database: Database, database_settings: Settings, tmp_path) -> AsyncIterator[Management]:
    add_user(database, "root", role=ROOT)
    async with management_api(database, database_settings, tmp_path) as made:
        yield made


async def test_a_saved_option_counts_before_the_answer(api: Management) -> None:
    root, nobody = api.as_("root"), api.as_("")

    async def put(key: str, value: object, status: int = 200) -> bool:
        answer = await root.put("/api/option/", json={"key": key, "value": value})
        assert answer.status_code == status
        return answer.json()["success"]

    assert await put("SystemName", "我的网关") and await put("Notice", "hi") and await put("About", "<b>")
    site = (await nobody.get("/api/status")).json()["data"]
    assert site["system_name"] == "我的网关"
    assert (await nobody.get("/api/notice/")).json()["data"] == "hi"
    assert (await nobody.get("/api/about")).json()["data"] == "<b>"
    assert await put("GroupRatio", '{"default": 1, "team": 2}')
    assert (await root.get("/api/group")).json()["data"] == ["default", "team"]
    before = api.runtime.prices
    assert await put("ModelRatio", '{"gpt-4o": 7}') and api.runtime.prices is not before
    assert not await put("RetryTimes", 3, 400)
    assert not await put("RetryTimes", True, 400)
    assert not await put("RetryTimes", None, 400)
    assert not await put("RetryTimes", "x")
    assert await put("RegisterEnabled", "false")
    answer = await nobody.post("/api/user/register", json={"username": "a", "password": "password-1"})
    assert answer.json()["message"] == "管理员关闭了新用户注册"
