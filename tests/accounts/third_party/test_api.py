"""Signing in with third parties over the management API, against providers that are real servers."""

import asyncio
import contextlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlmodel import select

from oneapi_app.accounts.third_party.exchange import ThirdParties
from oneapi_app.actor import COMMON, ROOT, Actor
from oneapi_app.kit.passwords import hash_password
from oneapi_app.models import Log, LoginSession, User
from oneapi_app.rest.app import create_rest_app
from oneapi_app.runtime import open_runtime
from oneapi_app.system.service import save_options
from tests.support.identity_providers import running_providers
from tests.support.people import add_user
from tests.support.servers import free_port

PEOPLE = {
    "github": {
        "id": 4711,
        "login": "octocat",
        "name": "Mona Lisa Octocat the First",
        "email": "mona@example.com",
    },
    "oidc": {
        "sub": "sub-1",
        "preferred_username": "first.last.long",
        "name": "First Last",
        "email": "f@example.com",
    },
    "lark": {"open_id": "ou_1", "name": "小明"},
    "wechat": {"id": "wx_1"},
}
REDIRECTED = ("github", "oidc", "lark")
COLUMNS = {"github": "octocat", "oidc": "sub-1", "lark": "ou_1", "wechat": "wx_1"}


@pytest.fixture
def providers():
    with running_providers() as running:
        yield running


class Site:
    """A management API in this process, with clients that each have a browser's cookies."""

    def __init__(self, runtime, providers):
        self.runtime, self.providers = runtime, providers
        self._clients = []

    def browser(self, **headers):
        transport = httpx.ASGITransport(create_rest_app(self.runtime))
        self._clients.append(httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers))
        return self._clients[-1]

    async def close(self):
        for client in self._clients:
            await client.aclose()

    async def set(self, **options):
        root = Actor(0, "root", ROOT, "default")
        await self.runtime.database.run(save_options, root, changes=options)

    async def users(self):
        return await self.runtime.database.read(
            lambda uow: list(uow.session.exec(select(User).order_by(User.id)))
        )

    async def enter(self, browser, name, person=None, **query):
        """The whole way there and back; the last answer."""
        code = self.providers.issue(person or PEOPLE[name])
        if name == "wechat":
            return await browser.get("/api/oauth/wechat", params={"code": code, **query})
        state = (await browser.get("/api/oauth/state")).json()["data"]
        return await browser.get(f"/api/oauth/{name}", params={"code": code, "state": state, **query})


@contextlib.asynccontextmanager
async def opened_site(database, settings, tmp_path, providers):
    settings = replace(settings, data_dir=str(tmp_path), api_rate_limit=0, critical_rate_limit=0)
    runtime = open_runtime(settings, database)
    runtime.third_parties = ThirdParties(providers.addresses())
    async with runtime.running():
        made = Site(runtime, providers)
        await made.set(**providers.options())
        yield made
        await made.close()


@pytest.fixture
async def site(database, database_settings, tmp_path, providers):
    async with opened_site(database, database_settings, tmp_path, providers) as opened:
        yield opened


def add_root(database):
    root = User(username="root", password=hash_password("123456"), role=ROOT, aff_code="r", access_token="r")
    database.run_sync(lambda uow: uow.session.add(root))


def failed(answer, message, status=200):
    assert (answer.status_code, answer.json()) == (status, {"success": False, "message": message})


@pytest.mark.parametrize("name", PEOPLE)
async def test_the_first_time_makes_a_user_and_the_second_finds_it(site, name):
    browser = site.browser()
    answer = (await site.enter(browser, name)).json()
    assert answer["success"] and answer["message"] == ""
    assert answer["data"]["role"] == COMMON and answer["data"]["access_token"] == ""
    (user,) = await site.users()
    assert getattr(user, f"{name}_id") == COLUMNS[name]
    assert user.password == "" and user.inviter_id == 0
    expected = {
        "github": ("github_1", "Mona Lisa Octocat th", "mona@example.com"),
        "oidc": ("first.last.long", "First Last", "f@example.com"),
        "lark": ("lark_1", "小明", ""),
        "wechat": ("wechat_1", "WeChat User", ""),
    }
    assert (user.username, user.display_name, user.email) == expected[name]
    assert (await browser.get("/api/user/self")).json()["data"]["username"] == user.username
    other = site.browser()
    again = (await site.enter(other, name)).json()
    assert again["data"]["id"] == answer["data"]["id"]
    assert len(await site.users()) == 1


@pytest.mark.parametrize("name", REDIRECTED)
async def test_departing_with_our_address_leads_back_with_everything_checked(site, name):
    browser = site.browser()
    left = (await browser.get("/api/oauth/state", params={"provider": name})).json()
    url = urlsplit(left["url"])
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    assert query["state"] == left["data"] and len(left["data"]) == 12
    assert query.get("redirect_uri") == (None if name == "github" else f"http://localhost:3000/oauth/{name}")
    assert ("code_challenge" in query) == (name == "oidc")
    code = site.providers.issue(
        PEOPLE[name], challenge=query.get("code_challenge", ""), redirect_uri=query.get("redirect_uri", "")
    )
    answer = await browser.get(f"/api/oauth/{name}", params={"code": code, "state": query["state"]})
    assert answer.json()["success"], answer.text


async def test_a_code_of_another_browser_is_of_no_use_with_pkce(site):
    victim, thief = site.browser(), site.browser()
    left = (await victim.get("/api/oauth/state?provider=oidc")).json()
    challenge = parse_qs(urlsplit(left["url"]).query)["code_challenge"][0]
    code = site.providers.issue(PEOPLE["oidc"], challenge=challenge)
    state = (await thief.get("/api/oauth/state?provider=oidc")).json()["data"]
    answer = await thief.get("/api/oauth/oidc", params={"code": code, "state": state})
    failed(answer, "返回值非法，用户字段为空，请稍后重试！")
    assert await site.users() == []


@pytest.mark.parametrize("name", REDIRECTED)
async def test_a_state_is_for_one_return_of_the_browser_that_left(site, name):
    browser, other = site.browser(), site.browser()
    code = site.providers.issue(PEOPLE[name])
    state = (await browser.get("/api/oauth/state")).json()["data"]
    path = f"/api/oauth/{name}"
    for stranger, sent in ((other, state), (browser, ""), (browser, "x" * 12), (browser, "状态")):
        answer = await stranger.get(path, params={"code": code, "state": sent})
        failed(answer, "state is empty or not same", 403)
    assert (await browser.get(path, params={"code": code, "state": state})).json()["success"]
    code = site.providers.issue(PEOPLE[name])
    failed(await browser.get(path, params={"code": code, "state": state}), "state is empty or not same", 403)


async def test_a_state_issued_for_one_provider_does_not_serve_another(site):
    browser = site.browser()
    state = (await browser.get("/api/oauth/state?provider=oidc")).json()["data"]
    code = site.providers.issue(PEOPLE["lark"])
    answer = await browser.get("/api/oauth/lark", params={"code": code, "state": state})
    failed(answer, "state is empty or not same", 403)


async def test_signing_in_makes_a_new_session_and_ends_the_one_before(site):
    browser = site.browser()
    await browser.get("/api/oauth/state")
    before = browser.cookies["session"]
    assert (await site.enter(browser, "lark")).json()["success"]
    after = browser.cookies["session"]
    assert after != before
    kept = await site.runtime.database.read(lambda uow: uow.session.exec(select(LoginSession)).all())
    assert [session.user_id for session in kept] == [1]
    attacker = site.browser()
    attacker.cookies.set("session", before)
    assert (await attacker.get("/api/user/self")).status_code == 401


@pytest.mark.parametrize("name", PEOPLE)
async def test_binding_while_signed_in(site, name):
    browser, other = site.browser(), site.browser()
    start = "wechat" if name != "wechat" else "lark"
    await site.enter(browser, start)
    person = PEOPLE[name]

    async def bind(who):
        if name != "wechat":
            return await site.enter(who, name)
        return await who.get("/api/oauth/wechat/bind", params={"code": site.providers.issue(person)})

    answer = (await bind(browser)).json()
    assert answer == {"success": True, "message": "" if name == "wechat" else "bind"}
    (user,) = await site.users()
    assert getattr(user, f"{name}_id") == COLUMNS[name]
    signed_in = (await site.enter(site.browser(), name)).json()
    assert signed_in["data"]["id"] == user.id
    await site.enter(other, start, {"id": "wx_2"} if start == "wechat" else {"open_id": "ou_2"})
    words = {"github": "该 GitHub 账户已被绑定", "oidc": "该 OIDC 账户已被绑定", "lark": "该飞书账户已被绑定"}
    failed(await bind(other), words.get(name, "该微信账号已被绑定"))


@pytest.mark.parametrize("name", PEOPLE)
async def test_what_is_switched_off_does_not_work(site, name):
    off = {"github": "GitHubOAuthEnabled", "oidc": "OidcEnabled", "wechat": "WeChatAuthEnabled"}
    await site.set(**{off[name]: "false"} if name in off else {"LarkClientSecret": ""})
    labels = {"github": " GitHub ", "oidc": " OIDC ", "lark": "飞书", "wechat": "微信"}
    message = f"管理员未开启通过{labels[name]}登录以及注册"
    failed(await site.enter(site.browser(), name), message)
    if name != "wechat":
        failed(await site.browser().get("/api/oauth/state", params={"provider": name}), message)
    assert site.providers.seen == []


@pytest.mark.parametrize("name", PEOPLE)
async def test_new_accounts_switched_off(site, name):
    await site.enter(site.browser(), name)
    await site.set(RegisterEnabled="false")
    assert (await site.enter(site.browser(), name)).json()["success"]
    stranger = {
        key: f"{value}2" if isinstance(value, str) else value + 1 for key, value in PEOPLE[name].items()
    }
    failed(await site.enter(site.browser(), name, stranger), "管理员关闭了新用户注册")


async def test_the_banned_stay_out(site):
    await site.enter(site.browser(), "github")

    def ban(uow):
        uow.session.get(User, 1).status = 2

    await site.runtime.database.run(ban)
    failed(await site.enter(site.browser(), "github"), "用户已被封禁")


@pytest.mark.parametrize("name", REDIRECTED)
@pytest.mark.parametrize("broken", ["status", "page", "huge", "empty"])
async def test_a_provider_that_does_not_say_who_creates_nobody(site, name, broken):
    site.providers.broken = broken
    labels = {"github": " GitHub ", "oidc": " OIDC ", "lark": "飞书"}
    unreachable = f"无法连接至{labels[name]}服务器，请稍后重试！"
    message = unreachable if broken in ("status", "huge") else "返回值非法，用户字段为空，请稍后重试！"
    failed(await site.enter(site.browser(), name), message)
    assert await site.users() == []


@pytest.mark.parametrize("name", REDIRECTED)
async def test_a_wrong_code_creates_nobody(site, name):
    browser = site.browser()
    state = (await browser.get("/api/oauth/state")).json()["data"]
    answer = await browser.get(f"/api/oauth/{name}", params={"code": "made up", "state": state})
    failed(answer, "返回值非法，用户字段为空，请稍后重试！")
    state = (await browser.get("/api/oauth/state")).json()["data"]
    failed(await browser.get(f"/api/oauth/{name}", params={"state": state}), "无效的参数")
    assert await site.users() == []


async def test_the_log_says_what_the_provider_says_but_no_secret(site, caplog):
    await site.set(OidcClientSecret="mistyped-secret")
    failed(await site.enter(site.browser(), "oidc"), "返回值非法，用户字段为空，请稍后重试！")
    assert "sign-in with OIDC: invalid_client" in caplog.text
    assert "mistyped-secret" not in caplog.text and "code-" not in caplog.text


async def test_a_wrong_wechat_code(site):
    answer = await site.browser().get("/api/oauth/wechat?code=123456")
    failed(answer, "验证码错误或已过期")
    await site.set(WeChatServerToken="not it")
    failed(await site.enter(site.browser(), "wechat"), "验证码错误或已过期")


async def test_providers_that_are_down(site):
    nowhere = f"http://127.0.0.1:{free_port()}"
    site.providers.address = nowhere
    site.runtime.third_parties = ThirdParties(site.providers.addresses())
    await site.set(**site.providers.options())
    for name, label in {"github": " GitHub ", "oidc": " OIDC ", "lark": "飞书", "wechat": "微信"}.items():
        failed(await site.enter(site.browser(), name), f"无法连接至{label}服务器，请稍后重试！")


@pytest.mark.parametrize("names_methods", [True, False])
async def test_an_openid_provider_that_wants_the_secret_in_the_header(site, names_methods):
    site.providers.basic_only, site.providers.names_methods = True, names_methods
    assert (await site.enter(site.browser(), "oidc")).json()["success"]


async def test_openid_endpoints_entered_by_hand_and_the_issuer_alone(site):
    address = site.providers.address
    await site.set(OidcWellKnown=f"{address}/")
    assert (await site.enter(site.browser(), "oidc")).json()["success"]
    await site.set(
        OidcWellKnown="",
        OidcAuthorizationEndpoint=f"{address}/oidc/authorize",
        OidcTokenEndpoint=f"{address}/oidc/token",
        OidcUserinfoEndpoint=f"{address}/oidc/user",
    )
    assert (await site.enter(site.browser(), "oidc")).json()["success"]
    assert site.providers.seen.count("GET /.well-known/openid-configuration") == 1


async def test_an_invitation_is_honoured(site):
    inviter = add_user(site.runtime.database, "amy")
    await site.set(QuotaForNewUser="100", QuotaForInvitee="20", QuotaForInviter="3")
    await site.enter(site.browser(), "lark", aff="amy")
    await site.enter(site.browser(), "wechat", aff_code="amy")
    await site.enter(site.browser(), "oidc", aff="nobody's")
    amy, *new = await site.users()
    assert amy.quota == 6
    assert [(user.inviter_id, user.quota) for user in new] == [(inviter.user_id, 120)] * 2 + [(0, 100)]
    logs = await site.runtime.database.read(lambda uow: uow.log_session.exec(select(Log)).all())
    assert len(logs) == 7


async def test_an_address_somebody_has_and_one_nobody_checked_are_not_taken_over(site):
    await site.enter(site.browser(), "github")
    await site.enter(site.browser(), "oidc", PEOPLE["oidc"] | {"email": "mona@example.com"})
    unchecked = {"sub": "sub-2", "email": "g@example.com", "email_verified": False}
    await site.enter(site.browser(), "oidc", unchecked)
    assert [user.email for user in await site.users()] == ["mona@example.com", "", ""]


async def test_a_wished_name_somebody_has_gives_way_to_a_number(site):
    add_user(site.runtime.database, "first.last.long")
    await site.enter(site.browser(), "oidc")
    assert [user.username for user in await site.users()] == ["first.last.long", "oidc_2"]


@pytest.mark.parametrize(
    "path", ["/api/oauth/wechat?code=c", "/api/oauth/wechat/bind?code=c", "/api/oauth/state"]
)
async def test_a_link_on_another_site_neither_signs_in_nor_binds(site, path):
    browser = site.browser(**{"sec-fetch-site": "cross-site"})
    failed(await browser.get(path), "拒绝跨站请求", 403)
    assert site.providers.seen == []


async def test_a_long_name_from_a_provider_stays_when_other_things_are_saved(site):
    browser = site.browser()
    await site.enter(browser, "oidc")
    patch = {"username": "first.last.long", "display_name": "New", "password": ""}
    assert (await browser.put("/api/user/self", json=patch)).json()["success"]
    (user,) = await site.users()
    assert (user.username, user.display_name) == ("first.last.long", "New")
    renamed = (await browser.put("/api/user/self", json=patch | {"username": "another.long.name"})).json()
    assert not renamed["success"]


async def test_people_who_come_in_the_same_instant_all_get_accounts(
    database, database_settings, tmp_path, providers
):
    async with opened_site(database, database_settings, tmp_path, providers) as site:
        people = [{"open_id": f"ou_{number}"} for number in range(5)]
        answers = await asyncio.gather(*(site.enter(site.browser(), "lark", person) for person in people))
        assert all(answer.json()["success"] for answer in answers), [answer.text for answer in answers]
        users = await site.users()
        assert len({user.username for user in users}) == len({user.lark_id for user in users}) == 5


async def test_a_refusal_comes_in_english_too_where_that_is_asked_for(site):
    path = "/api/oauth/wechat?code=x"
    english = (await site.browser(**{"accept-language": "en-GB,en;q=0.9"}).get(path)).json()
    assert english["message"] == "验证码错误或已过期"
    assert english["message_en"] == "the code is wrong or has expired"
    assert "message_en" not in (await site.browser(**{"accept-language": "zh-CN"}).get(path)).json()


async def test_root_binds_nothing_before_the_initial_password_is_changed(site):
    add_root(site.runtime.database)
    browser = site.browser()
    signed_in = await browser.post("/api/user/login", json={"username": "root", "password": "123456"})
    assert signed_in.json()["success"]
    answer = (await site.enter(browser, "lark")).json()
    assert not answer["success"] and "初始密码" in answer["message"]
    assert site.providers.seen == []
