"""The whole way in a running process: a relayed call whose outcome makes somebody get a letter."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from oneapi_app.settings import Settings
from tests.support.certificates import make_certificates
from tests.support.gateway import running_gateway
from tests.support.mailbox import Mailbox, mail_server
from tests.support.vendor import openai_vendor

PASSWORD = "Root-2026!"
SMTP = {"SMTPAccount": "post@example.com", "SMTPToken": "s3cret"}


@pytest.fixture
def root(tmp_path: Path, database_settings: Settings) -> Iterator[tuple[httpx.Client, Mailbox]]:
    """Root of a running site whose mail goes by STARTTLS, with an account, to the mailbox."""
    certificates = make_certificates(tmp_path)
    with (
        mail_server(certificates, account=SMTP["SMTPAccount"], password=SMTP["SMTPToken"]) as mailbox,
        running_gateway(
            tmp_path, database_settings, SSL_CERT_FILE=str(certificates.ca), INITIAL_ROOT_PASSWORD=PASSWORD
        ) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        call(client, "POST", "/api/user/login", {"username": "root", "password": PASSWORD})
        options = {"SMTPServer": "localhost", "SMTPPort": str(mailbox.port), **SMTP}
        for name, value in options.items():
            call(client, "PUT", "/api/option/", {"key": name, "value": value})
        yield client, mailbox


def call(client: httpx.Client, method: str, path: str, body: object = None) -> dict:
    answer = client.request(method, path, json=body).json()
    assert answer["success"], answer
    return answer


def code_from(mailbox: Mailbox, count: int) -> str:
    html = mailbox.wait_for(count)[-1].html
    return html.split('margin:24px 0">', 1)[1][:6]


def test_from_an_address_to_letters_about_channels_and_balances(
    root: tuple[httpx.Client, Mailbox], dead_vendor: str
):
    client, mailbox = root
    call(client, "GET", "/api/verification?email=root@example.com")
    assert mailbox.wait_for(1)[0].over_tls and mailbox.received[0].signed_in
    call(client, "GET", f"/api/oauth/email/bind?email=root@example.com&code={code_from(mailbox, 1)}")
    call(client, "POST", "/api/option/test_mail", {})
    assert mailbox.wait_for(2)[1].receivers == ["root@example.com"]

    call(client, "PUT", "/api/option/", {"key": "AutomaticDisableChannelEnabled", "value": "true"})
    channel = {"type": 1, "name": "doomed", "key": "k", "models": "gpt-4o-mini", "group": "default"}
    call(client, "POST", "/api/channel/", channel | {"base_url": dead_vendor})
    key = call(client, "POST", "/api/token/", {"name": "t", "unlimited_quota": True})["data"]["key"]
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
    bearer = {"authorization": f"Bearer sk-{key}"}
    for _ in range(3):
        assert client.post("/v1/chat/completions", json=chat, headers=bearer).status_code >= 400
    notice = mailbox.wait_for(3)[2]
    assert notice.message["Subject"] == "渠道状态变更提醒"
    assert "渠道「doomed」（#1）已被禁用" in notice.html and "Key gone" in notice.html

    with openai_vendor() as vendor:
        call(client, "POST", "/api/channel/", channel | {"name": "good", "base_url": vendor})
        call(client, "PUT", "/api/user/", {"id": 1, "quota": 2000})
        call(client, "PUT", "/api/option/", {"key": "QuotaRemindThreshold", "value": "1998"})
        for _ in range(4):
            assert client.post("/v1/chat/completions", json=chat, headers=bearer).status_code == 200
        reminder = mailbox.wait_for(4)[3]
        assert reminder.message["Subject"] == "额度提醒"
        assert "您的额度即将用尽" in reminder.html
        call(client, "GET", "/api/channel/test")
        summary = mailbox.wait_for(5)[4]
        assert summary.message["Subject"] == "渠道测试完成"
        assert "共 2 个，1 个正常" in summary.html
    assert len(mailbox.received) == 5, "each once"
