"""Root enters mail settings, tries them, and reads why they fail. In a real browser, with a real mail server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import start_site, stop_site
from tests.support.mailbox import mail_server

pytestmark = pytest.mark.needs_browser

PASSWORD = "Root-2026!"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    directory: Path = tmp_path_factory.mktemp("site")
    running = start_site(directory, INITIAL_ROOT_PASSWORD=PASSWORD)
    yield running
    stop_site(running)


def test_a_test_message(site: Any, open_page: Callable[..., Any]) -> None:
    client = httpx.Client(base_url=site.address)
    login = client.post("/api/user/login", json={"username": "root", "password": PASSWORD})
    assert login.json()["success"]
    page = open_page(f"{site.address}/about")
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"], "url": site.address}])
    page.goto(f"{site.address}/setting/system")
    receiver = page.get_by_label("Send a test message")
    receiver.fill("amy@example.com")
    send = page.get_by_role("button", name="Send", exact=True)
    send.click()
    page.get_by_text("failed to send email: no SMTP server is configured").wait_for()
    with mail_server() as mailbox:
        card = page.locator(".card", has=receiver)
        card.get_by_label("Server").fill("127.0.0.1")
        card.get_by_label("Port").fill(str(mailbox.port))
        card.get_by_label("Sender").fill("post@example.com")
        card.get_by_role("button", name="Save").click()
        page.get_by_text("Saved").first.wait_for()
        receiver.fill("amy@example.com")
        send.click()
        page.get_by_text("Sent to amy@example.com").wait_for()
        assert mailbox.wait_for(1)[0].receivers == ["amy@example.com"]
    assert page.get_by_text("failed to send email").count() == 0
