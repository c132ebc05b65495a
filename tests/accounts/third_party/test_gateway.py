"""Whole round trips through the running product: an OpenID provider and a wechat-server, both on loopback."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from oneapi_app.settings import Settings
from tests.support.gateway import running_gateway
from tests.support.identity_providers import running_providers

ROOT_PASSWORD = "Root-2026!"


def _ok(answer: httpx.Response) -> httpx.Response:
    assert answer.json()["success"], answer.text
    return answer


def test_out_to_the_provider_and_back(tmp_path: Path, database_settings: Settings) -> None:
    with running_providers() as providers, running_gateway(tmp_path, database_settings) as base_url:
        providers.person = {"sub": "sub-9", "preferred_username": "mona", "email": "mona@example.com"}
        with httpx.Client(base_url=base_url) as root:
            _ok(root.post("/api/user/login", json={"username": "root", "password": "123456"}))
            _ok(root.put("/api/user/self", json={"username": "root", "password": ROOT_PASSWORD}))
            chosen = providers.options() | {"ServerAddress": base_url}
            for key in sorted(chosen, key=lambda name: name.endswith("Enabled")):
                _ok(root.put("/api/option/", json={"key": key, "value": chosen[key]}))
        with httpx.Client(base_url=base_url) as browser:
            leaving = _ok(browser.get("/api/oauth/state?provider=oidc")).json()["url"]
            sent_back = httpx.get(leaving).headers["location"]
            assert sent_back.startswith(f"{base_url}/oauth/oidc?")
            query = {name: values[0] for name, values in parse_qs(urlsplit(sent_back).query).items()}
            answer = _ok(browser.get("/api/oauth/oidc", params=query))
            assert answer.json()["data"]["username"] == "mona"
            assert (
                "HttpOnly" in answer.headers["set-cookie"] and "SameSite=lax" in answer.headers["set-cookie"]
            )
            assert browser.get("/api/oauth/oidc", params=query).status_code == 403
            code = providers.issue({"id": "wx-9"})
            _ok(browser.get("/api/oauth/wechat/bind", params={"code": code}))
            own = _ok(browser.get("/api/user/self")).json()["data"]
            assert (own["oidc_id"], own["wechat_id"], own["email"]) == ("sub-9", "wx-9", "mona@example.com")
        with httpx.Client(base_url=base_url) as phone:
            code = providers.issue({"id": "wx-9"})
            assert (
                _ok(phone.get("/api/oauth/wechat", params={"code": code})).json()["data"]["id"] == own["id"]
            )
    log = (tmp_path / "server.log").read_text()
    assert "the-secret" not in log and "token-0" not in log
