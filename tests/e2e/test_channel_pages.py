"""From the first channel to one that is out of order, and the site's settings. In a real browser."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.needs_browser

PASSWORD = "Root-2026!"
PAGES = ("/channel", "/setting", "/setting/prices", "/setting/system", "/setting/other")


class Vendor(BaseHTTPRequestHandler):
    """The key picks the answer: a key beginning with "dead" is refused."""

    def do_GET(self) -> None:
        self._answer({"data": [{"id": name} for name in ("house-model", "gpt-4o")]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        message = {"role": "assistant", "content": f"I am {asked['model']}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        self._answer({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage})

    def _answer(self, body: dict[str, Any]) -> None:
        status = 200
        if "dead" in self.headers.get("authorization", ""):
            status, body = 401, {"error": {"message": "No such key here", "code": "invalid_api_key"}}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def root(site: Any) -> Iterator[httpx.Client]:
    """Root at the management API, with the password changed."""
    with httpx.Client(base_url=site.address) as client:
        client.post("/api/user/login", json={"username": "root", "password": "123456"})
        client.put("/api/user/self", json={"username": "root", "password": PASSWORD})
        login = client.post("/api/user/login", json={"username": "root", "password": PASSWORD})
        assert login.json()["success"]
        yield client


@pytest.fixture
def enter(root: httpx.Client, site: Any, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """``enter(path, **options)``: that page, signed in as root."""

    def enter(path: str, **options: Any) -> Any:
        page = open_page(f"{site.address}/about", **options)
        page.context.add_cookies([{"name": "session", "value": root.cookies["session"], "url": site.address}])
        page.goto(site.address + path)
        return page

    return enter


def fill_in(page: Any, vendor: str, *, name: str, keys: str) -> None:
    page.keyboard.press("n")
    page.get_by_placeholder("Search vendors").fill("compatible")
    page.get_by_role("button", name="OpenAI compatible").click()
    page.fill("input[name=name]", name)
    page.fill("input[name=base_url]", vendor)
    page.fill("textarea[name=key]", keys)


def test_a_channel_is_tried_before_it_is_saved_and_tested_after(enter: Any, root: httpx.Client, vendor: str):
    page = enter("/channel")
    page.get_by_role("heading", name="No channels yet").wait_for()
    fill_in(page, vendor, name="Spare", keys="dead-1\nok-2")
    page.get_by_text("2 keys: 2 channels will be created").wait_for()
    page.get_by_role("button", name="Test before saving").click()
    page.get_by_role("alert").get_by_text("No such key here").wait_for()
    page.get_by_text("The vendor answered 401").wait_for()
    assert root.get("/api/channel/").json()["data"] == []

    page.fill("textarea[name=key]", "ok-1")
    page.get_by_role("button", name="Fetch from vendor").click()
    page.get_by_text("The vendor offers 2 models").wait_for()
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_role("button", name="house-model").click()
    page.get_by_text("1 chosen").wait_for()
    page.get_by_role("button", name="Test before saving").click()
    page.get_by_text("I am house-model").wait_for()
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_text("1 channel created").wait_for()

    (channel,) = root.get("/api/channel/").json()["data"]
    assert (channel["name"], channel["type"], channel["models"]) == ("Spare", 50, "house-model")
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_text("I am house-model").wait_for()


def test_a_dead_key_is_found_by_the_test_of_all_and_says_why(enter: Any, root: httpx.Client, vendor: str):
    root.put("/api/option/", json={"key": "AutomaticDisableChannelEnabled", "value": "true"})
    body = {"type": 50, "name": "Lost", "key": "dead-9", "base_url": vendor, "models": "m", "group": "vip"}
    assert root.post("/api/channel/", json=body).json()["success"]
    page = enter("/channel")
    page.get_by_role("button", name="All channels").click()
    page.get_by_role("menuitem", name="Test all channels").click()
    page.get_by_text("Test done: 1 of").first.wait_for()
    row = page.locator("tr", has_text="Lost")
    row.get_by_text("Auto-disabled").wait_for()
    assert "No such key here" in row.inner_text()
    page.goto(page.url.split("?")[0] + "?status=3")
    page.locator("tbody tr").first.wait_for()
    assert page.locator("tbody tr").count() == 1


def test_priority_is_edited_in_its_cell(enter: Any, root: httpx.Client):
    page = enter("/channel?q=Spare")
    cell = page.get_by_role("textbox", name="Priority")
    cell.fill("7")
    cell.press("Enter")
    page.get_by_text("Saved").first.wait_for()
    (channel,) = [row for row in root.get("/api/channel/").json()["data"] if row["name"] == "Spare"]
    assert channel["priority"] == 7


def test_no_key_ever_reaches_the_browser(enter: Any, root: httpx.Client, vendor: str):
    frames: list[str] = []
    page = enter("/about")
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    body = {"type": 50, "name": "Guarded", "key": "guarded-key", "base_url": vendor, "models": "m"}
    assert root.post("/api/channel/", json=body).json()["success"]
    page.goto(page.url.replace("/about", "/channel?q=Guarded"))
    page.locator("tr", has_text="Guarded").get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Edit").click()
    page.locator("input[name=name]").wait_for()
    page.get_by_role("button", name="Test before saving").click()
    page.get_by_text("I am m").wait_for()
    assert frames and not any("guarded-key" in frame for frame in frames)


def test_a_price_is_changed_in_the_table(enter: Any, root: httpx.Client):
    page = enter("/setting/prices")
    page.get_by_placeholder("Search names").fill("gpt-4o-mini")
    cell = page.get_by_label("gpt-4o-mini", exact=True)
    cell.fill("0.5")
    cell.press("Enter")
    page.get_by_text("1 change not saved").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved", exact=True).first.wait_for()
    options = {row["key"]: row["value"] for row in root.get("/api/option/").json()["data"]}
    assert json.loads(options["ModelRatio"])["gpt-4o-mini"] == 0.5


def test_settings_are_saved_card_by_card_and_refused_in_words(enter: Any, root: httpx.Client):
    page = enter("/setting/system")
    card = page.locator(".card", has=page.get_by_role("heading", name="Mail"))
    card.locator("input[name=SMTPPort]").fill("99999")
    card.get_by_role("button", name="Save").click()
    card.get_by_role("alert").get_by_text("expected 1 to 65535").wait_for()
    card.locator("input[name=SMTPPort]").fill("465")
    card.locator("input[name=SMTPToken]").fill("mail-password")
    card.get_by_role("button", name="Save").click()
    card.get_by_placeholder("set; leave empty to keep").wait_for()
    listed = root.get("/api/option/").text
    assert '"465"' in listed and "mail-password" not in listed


@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_pages_never_scroll_sideways_and_speak_chinese(enter: Any, path: str):
    page = enter(path, width=390, locale="zh-CN", color_scheme="dark")
    page.locator("h1").wait_for()
    page.locator(".card, .table-box, .empty").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert "settings." not in page.inner_text("main") and "channels." not in page.inner_text("main")
