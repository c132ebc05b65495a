"""Coming in: the front page, a wrong password, the forced new one, signing out. In a real browser."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.needs_browser

NEW_PASSWORD = "a better one 9"
WRONG = "Wrong username or password"


def sign_in(page: Any, name: str, password: str) -> None:
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")


def test_the_front_page_speaks_the_browsers_language(site: Any, open_page: Callable[..., Any]):
    english = open_page(site.address)
    english.get_by_role("heading", name="One API for every model").wait_for()
    assert f"{site.address}/v1" in english.inner_text(".address")
    chinese = open_page(site.address, locale="zh-CN")
    chinese.get_by_role("heading", name="一个接口，通往所有模型").wait_for()


def test_switching_the_language_is_instant_and_remembered(site: Any, open_page: Callable[..., Any]):
    page = open_page(site.address)
    page.get_by_role("button", name="切换到中文").first.click()
    page.get_by_role("heading", name="一个接口，通往所有模型").wait_for(timeout=500)
    page.reload()
    page.get_by_role("heading", name="一个接口，通往所有模型").wait_for()
    assert page.get_attribute("html", "lang") == "zh-CN"


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("path", ["/", "/about", "/login", "/no/such/page"])
def test_pages_never_scroll_sideways(site: Any, open_page: Callable[..., Any], path: str, width: int):
    page = open_page(site.address + path, width=width)
    page.locator("h1").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_wrong_password_and_an_unknown_user_look_the_same(site: Any, open_page: Callable[..., Any]):
    page = open_page(f"{site.address}/login")
    for name in ("root", "nobody-of-that-name"):
        sign_in(page, name, "not the password")
        page.get_by_role("alert").wait_for()
        assert WRONG in page.get_by_role("alert").inner_text()


def test_a_page_without_a_session_leads_to_sign_in_and_back(site: Any, open_page: Callable[..., Any]):
    page = open_page(f"{site.address}/dashboard")
    page.wait_for_url("**/login?expired=true&next=**")


def test_root_must_choose_a_password_before_anything_else(site: Any, open_page: Callable[..., Any]):
    page = open_page(f"{site.address}/login")
    sign_in(page, "root", "123456")
    page.wait_for_url("**/password")
    page.goto(f"{site.address}/dashboard")
    page.wait_for_url("**/password")
    page.fill("input[name=password]", NEW_PASSWORD)
    page.fill("input[name=repeated]", "another one 99")
    page.get_by_role("button", name="Save and continue").click()
    assert "not the same" in page.get_by_role("alert").inner_text()
    page.fill("input[name=repeated]", NEW_PASSWORD)
    page.get_by_role("button", name="Save and continue").click()
    page.wait_for_url("**/dashboard")
    page.get_by_role("button", name="Account").first.click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.wait_for_url("**/login")
    sign_in(page, "root", NEW_PASSWORD)
    page.wait_for_url("**/dashboard")
