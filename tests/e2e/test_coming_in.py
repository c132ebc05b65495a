"""Signing up, a forgotten password, and third parties: out to the provider, back, bound. In a real browser."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Site, start_site, stop_site
from tests.support.identity_providers import IdentityProviders, running_providers
from tests.support.mailbox import Mailbox, mail_server

pytestmark = pytest.mark.needs_browser

ROOT_PASSWORD = "Root-2026!"
PASSWORD = "mona-2026"
TURNSTILE = (
    "window.turnstile = {render: (_, given) => {given.callback('human'); return 1}, reset() {}, remove() {}}"
)


@pytest.fixture(scope="module")
def providers() -> Iterator[IdentityProviders]:
    with running_providers() as running:
        yield running


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Without the limit on sign-ins: all of them come from one address here."""
    running = start_site(tmp_path_factory.mktemp("site"), CRITICAL_RATE_LIMIT="0")
    yield running
    stop_site(running)


class Root:
    """Root at the management API."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def set(self, **options: str) -> None:
        for key in sorted(options, key=lambda name: name.endswith("Enabled")):
            _ok(self.client.put("/api/option/", json={"key": key, "value": options[key]}))

    def user(self, name: str) -> dict[str, Any]:
        found = _ok(self.client.get("/api/user/search", params={"keyword": name}))
        return next(user for user in found if user["username"] == name)


def _ok(answer: httpx.Response) -> Any:
    assert answer.json()["success"], answer.text
    return answer.json().get("data")


@pytest.fixture(scope="module")
def root(site: Any, providers: IdentityProviders, mailbox: Mailbox) -> Iterator[Root]:
    with httpx.Client(base_url=site.address) as client:
        _ok(client.post("/api/user/login", json={"username": "root", "password": "123456"}))
        _ok(client.put("/api/user/self", json={"username": "root", "password": ROOT_PASSWORD}))
        made = Root(client)
        made.set(**providers.options(), ServerAddress=site.address)
        made.set(SMTPServer="127.0.0.1", SMTPPort=str(mailbox.port), SMTPFrom="post@example.com")
        yield made


def sign_up(page: Any, name: str, password: str = PASSWORD, again: str = PASSWORD) -> None:
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.fill("input[name=repeated]", again)
    page.get_by_role("button", name="Sign up", exact=True).click()


def test_signing_up_by_invitation_leads_into_the_console(
    site: Site, root: Root, open_page: Callable[..., Any]
):
    code = _ok(root.client.get("/api/user/aff"))
    page = open_page(f"{site.address}/register?aff={code}")
    sign_up(page, "mona", again="something else")
    assert "not the same" in page.get_by_role("alert").inner_text()
    sign_up(page, "root")
    page.get_by_text("this user name is taken").wait_for()
    sign_up(page, "mona")
    page.wait_for_url(f"{site.address}/dashboard")
    assert root.user("mona")["inviter_id"] == 1


def test_an_address_is_verified_and_resets_the_password(
    site: Site, root: Root, mailbox: Mailbox, open_page: Callable[..., Any]
):
    root.set(EmailVerificationEnabled="true")
    page = open_page(f"{site.address}/register")
    page.fill("input[name=email]", "lisa+1@example.com")
    page.get_by_role("button", name="Send code").click()
    page.get_by_text("Look into your mail").wait_for()
    (letter,) = mailbox.wait_for(1)
    page.fill("input[name=verification_code]", _code_in(letter.html))
    sign_up(page, "lisa")
    page.wait_for_url(f"{site.address}/dashboard")
    root.set(EmailVerificationEnabled="false")
    assert root.user("lisa")["email"] == "lisa+1@example.com"

    page = open_page(f"{site.address}/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_role("heading", name="Forgotten password").wait_for()
    page.fill("input[name=email]", "lisa+1@example.com")
    page.get_by_role("button", name="Send the link").click()
    page.get_by_text("the mail is on its way").wait_for()
    link = re.search(r'href="([^"]*/user/reset[^"]*)"', mailbox.wait_for(2)[1].html)
    assert link
    page.goto(link.group(1).replace("&amp;", "&"))
    assert page.get_by_label("Email").input_value() == "lisa+1@example.com"
    page.get_by_role("button", name="Make a new password").click()
    password = page.locator(".copy-box code").inner_text()
    page.get_by_role("link", name="Sign in").click()
    page.fill("input[name=username]", "lisa+1@example.com")
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/dashboard")


def _code_in(html: str) -> str:
    found = re.search(r">\s*([0-9a-f]{6})\s*<", html)
    assert found, html
    return found.group(1)


def test_a_provider_signs_in_and_more_can_be_bound(
    site: Site, root: Root, providers: IdentityProviders, open_page: Callable[..., Any]
):
    providers.person = {"sub": "sub-1", "preferred_username": "first.last.long", "name": "First Last"}
    page = open_page(f"{site.address}/login?next=/token")
    page.get_by_role("button", name="Continue with OIDC").click()
    page.wait_for_url(f"{site.address}/token")
    assert root.user("first.last.long")["oidc_id"] == "sub-1"

    page.goto(f"{site.address}/personal")
    rows = page.locator(".methods li")
    oidc, wechat = rows.filter(has_text="OIDC"), rows.filter(has_text="WeChat")
    oidc.get_by_role("button", name="Unbind").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Unbind").click()
    page.get_by_text("set a password first").wait_for()
    wechat.get_by_role("button", name="Bind").click()
    page.get_by_role("dialog").get_by_label("Code").fill("wrong")
    page.get_by_role("dialog").get_by_role("button", name="Bind").click()
    page.get_by_role("dialog").get_by_text("the code is wrong or has expired").wait_for()
    page.get_by_role("dialog").get_by_label("Code").fill(providers.issue({"id": "wx-1"}))
    page.get_by_role("dialog").get_by_role("button", name="Bind").click()
    page.get_by_text("Bound to your account").wait_for()
    wechat.get_by_text("Bound", exact=True).wait_for()
    oidc.get_by_role("button", name="Unbind").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Unbind").click()
    oidc.get_by_text("Not bound").wait_for()
    oidc.get_by_role("button", name="Bind").click()
    oidc.get_by_text("Bound", exact=True).wait_for()
    found = root.user("first.last.long")
    assert (found["oidc_id"], found["wechat_id"]) == ("sub-1", "wx-1")


def test_what_went_wrong_on_the_way_back_is_said(site: Site, root: Root, open_page: Callable[..., Any]):
    page = open_page(f"{site.address}/oauth/github?code=x&state=y")
    assert "another browser" in page.get_by_role("alert").inner_text()
    page.get_by_role("link", name="To the sign-in page").click()
    page.wait_for_url(f"{site.address}/login")
    page.goto(f"{site.address}/oauth/lark?error=access_denied&state=y")
    assert "Lark did not let you through" in page.get_by_role("alert").inner_text()
    page.goto(f"{site.address}/oauth/oidc")
    assert "Start again" in page.get_by_role("alert").inner_text()


def test_a_provider_that_would_lead_to_another_address(site: Site, root: Root, open_page: Callable[..., Any]):
    root.set(ServerAddress="https://gate.example.com")
    page = open_page(f"{site.address}/login")
    page.get_by_role("button", name="Continue with OIDC").click()
    assert "https://gate.example.com" in page.get_by_role("alert").inner_text()
    root.set(ServerAddress=site.address)


def test_the_check_for_humans_travels_with_the_form(site: Site, root: Root, open_page: Callable[..., Any]):
    root.set(TurnstileSiteKey="site-key", TurnstileSecretKey="secret", TurnstileCheckEnabled="true")
    page = open_page("about:blank")
    page.route("https://challenges.cloudflare.com/**", lambda route: route.fulfill(body=TURNSTILE))
    sent: list[str] = []

    def answer(route: Any) -> None:
        sent.append(route.request.url)
        route.fulfill(json={"success": False, "message": "Turnstile 校验失败，请刷新重试！"})

    page.route("**/api/user/register**", answer)
    page.goto(f"{site.address}/register")
    page.wait_for_function("document.querySelector('input[name=turnstile]')?.value === 'human'")
    sign_up(page, "robot")
    page.get_by_role("alert").wait_for()
    assert sent == [f"{site.address}/api/user/register?turnstile=human"]
    root.set(TurnstileCheckEnabled="false")


def test_what_is_switched_off_is_not_drawn(site: Site, root: Root, open_page: Callable[..., Any]):
    root.set(RegisterEnabled="false", PasswordLoginEnabled="false", GitHubOAuthEnabled="false")
    try:
        page = open_page(f"{site.address}/login")
        page.get_by_role("button", name="Continue with Lark").wait_for()
        assert page.get_by_role("button", name="Continue with GitHub").count() == 0
        assert page.locator("input[name=password]").count() == 0
        assert page.get_by_role("link", name="Sign up").count() == 0
        page.goto(f"{site.address}/register")
        page.get_by_text("New accounts are switched off").wait_for()
        assert page.locator("input[name=username]").count() == 0
    finally:
        root.set(RegisterEnabled="true", PasswordLoginEnabled="true", GitHubOAuthEnabled="true")


@pytest.mark.parametrize("path", ["/login", "/register", "/reset", "/user/reset", "/oauth/oidc"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_entrance_pages_fit_a_phone(
    site: Site, root: Root, open_page: Callable[..., Any], path: str, locale: str
):
    page = open_page(site.address + path, width=390, locale=locale)
    page.locator("h1").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
