"""From a new token to its line in the log, and from a new user to the end of the account. In a real browser."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.needs_browser

PASSWORD = "Root-2026!"
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1735689600,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19},
}
PAGES = ("/dashboard", "/token", "/log", "/topup", "/user", "/redemption", "/personal")


class Vendor(BaseHTTPRequestHandler):
    """Answers every chat the same."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def root(site: Any, vendor: str) -> Iterator[httpx.Client]:
    """Root at the management API, with the password changed and one channel."""
    with httpx.Client(base_url=site.address) as client:
        _ok(client.post("/api/user/login", json={"username": "root", "password": "123456"}))
        _ok(client.put("/api/user/self", json={"username": "root", "password": PASSWORD}))
        channel = {
            "type": 1,
            "name": "vendor",
            "key": "k",
            "base_url": vendor,
            "models": "gpt-4o-mini",
            "group": "default",
        }
        _ok(client.post("/api/channel/", json=channel))
        yield client


def _ok(answer: httpx.Response) -> Any:
    body = answer.json()
    assert body["success"], body
    return body.get("data")


@pytest.fixture
def enter(site: Any, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """``enter(path, user, ...)``: the page as that user sees it."""

    def enter_(path: str, user: str = "root", password: str = PASSWORD, **options: Any) -> Any:
        page = open_page(f"{site.address}/login", **options)
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard")
        if path != "/dashboard":
            page.goto(site.address + path)
        page.locator("main h1").wait_for()
        return page

    return enter_


def test_from_a_token_to_its_line_in_the_log(site: Any, root: httpx.Client, enter: Callable[..., Any]):
    page = enter("/token")
    page.get_by_role("button", name="New token").first.click()
    page.fill("input[name=name]", "my program")
    page.get_by_role("button", name="gpt-4o-mini").click()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="Your new token").wait_for()
    key = page.locator(".copy-line code").first.inner_text()
    assert key.startswith("sk-")
    assert f"{site.address}/v1" in page.locator(".code-block").inner_text()
    page.keyboard.press("Escape")
    page.get_by_text("my program").wait_for()

    dashboard = enter("/dashboard")
    dashboard.get_by_role("heading", name="First steps").wait_for()
    assert dashboard.locator(".steps li[data-done=true]").count() == 3
    assert _ok_test(root)
    dashboard.get_by_text("Waiting for your first request").wait_for()
    answer = httpx.post(
        f"{site.address}/v1/chat/completions",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]},
    )
    assert answer.json()["usage"]["prompt_tokens"] == 12
    dashboard.get_by_role("heading", name="First steps").wait_for(state="detached")
    dashboard.locator(".recent li").first.wait_for()

    page.goto(f"{site.address}/log?type=consume")
    page.locator("tbody tr.opens").first.click()
    assert "(12 + 7 × 4) × 0.075 × 1 = 3" in page.locator(".formula").inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More actions").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export").click()
    assert "gpt-4o-mini" in download.value.path().read_text("utf-8")


def _ok_test(root: httpx.Client) -> bool:
    return root.get("/api/channel/test/1").json()["success"]


def test_the_log_follows(site: Any, root: httpx.Client, enter: Callable[..., Any]):
    page = enter("/log?type=top_up")
    page.get_by_role("heading", name="Nothing matches").wait_for()
    page.get_by_role("button", name="Follow").click()
    _ok(root.post("/api/topup", json={"user_id": 1, "quota": 700, "remark": "order 42"}))
    page.get_by_text("order 42").wait_for()


def test_cleaning_up_says_how_many_first(site: Any, root: httpx.Client, enter: Callable[..., Any]):
    _ok(root.post("/api/topup", json={"user_id": 1, "quota": 700, "remark": "order 43"}))
    page = enter("/log")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Clean up").click()
    page.get_by_text("0 rows are older").wait_for()
    page.locator("input[type=datetime-local]").fill("2099-01-01T00:00")
    page.locator("input[type=datetime-local]").blur()
    confirm = page.get_by_role("button", name="Delete", exact=False).last
    page.get_by_text(re.compile(r"^[1-9]\d* rows? (is|are) older")).wait_for()
    assert "0 rows" not in confirm.inner_text()
    confirm.click()
    page.get_by_role("heading", name="Nothing logged yet").wait_for()


def test_the_life_of_a_user(site: Any, root: httpx.Client, enter: Callable[..., Any]):
    page = enter("/user")
    page.get_by_role("button", name="New user").click()
    page.fill("input[name=username]", "amy")
    page.fill("input[name=password]", "password-1")
    page.get_by_role("button", name="Create").click()
    row = page.locator("tr", has_text="amy")
    row.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Adjust balance").click()
    page.fill("input[name=amount]", "2.5")
    page.fill("input[name=reason]", "welcome")
    page.get_by_text("$2.50").wait_for()
    page.get_by_role("button", name="Confirm").click()
    row.get_by_text("$2.50").wait_for()
    (code,) = _ok(root.post("/api/redemption/", json={"name": "gift", "quota": 500000, "count": 1}))

    amy = enter("/topup", "amy", "password-1")
    amy.fill("#redeem-code", "nonsense")
    amy.get_by_role("button", name="Redeem").click()
    assert "not a valid code" in amy.get_by_role("alert").inner_text()
    amy.fill("#redeem-code", code)
    amy.get_by_role("button", name="Redeem").click()
    amy.get_by_text("$3.50").first.wait_for()

    amy.goto(f"{site.address}/personal")
    amy.get_by_role("button", name="Delete my account").click()
    amy.fill("input[name=confirmation]", "amy")
    amy.get_by_role("button", name="Delete my account").last.click()
    amy.wait_for_url("**/login")
    refused = httpx.post(f"{site.address}/api/user/login", json={"username": "amy", "password": "password-1"})
    assert not refused.json()["success"]


@pytest.mark.parametrize(("width", "locale"), [(390, "zh-CN"), (1440, "en-US")])
def test_no_page_scrolls_sideways_or_shows_a_raw_key(
    site: Any, root: httpx.Client, enter: Callable[..., Any], width: int, locale: str
):
    page = enter("/dashboard", width=width, locale=locale)
    for path in PAGES:
        page.goto(site.address + path)
        page.locator("main h1").wait_for()
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        text = page.inner_text("main")
        assert not any(f"{area}." in text for area in ("tokens", "logs", "dashboard", "users", "shell")), path
