"""Letters through real SMTP servers: in the clear on this machine, by STARTTLS, by TLS from the start; and what fails."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from oneapi_app.mail import smtp
from oneapi_app.mail.errors import MailError
from oneapi_app.mail.letter import Letter, paragraph
from oneapi_app.mail.mailer import Mailer
from oneapi_app.options import OptionValues
from tests.support.certificates import Certificates, make_certificates
from tests.support.mailbox import mail_server
from tests.support.servers import free_port

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

LETTER = Letter("问候", "", paragraph("你好"))
ACCOUNT = {"SMTPAccount": "post@example.com", "SMTPToken": "s3cret"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))


def mailer(port: int, **options: str) -> Mailer:
    stored = {"SMTPServer": "127.0.0.1", "SMTPPort": str(port), "SMTPFrom": "post@example.com", **options}
    values = OptionValues({"SystemName": "站点", **stored})
    return Mailer(lambda: values)


async def send(port: int, receivers: str = "amy@example.com", **options: str) -> None:
    sending = mailer(port, **options)
    try:
        await sending.send(receivers, LETTER)
    finally:
        sending.stop()


async def failure(port: int, receivers: str = "amy@example.com", **options: str) -> MailError:
    with pytest.raises(MailError) as caught:
        await send(port, receivers, **options)
    assert "s3cret" not in caught.value.with_detail().en
    assert caught.value.zh.startswith("发送邮件失败：")
    assert caught.value.en.startswith("failed to send email: ")
    return caught.value


async def test_in_the_clear_on_this_machine():
    with mail_server() as box:
        await send(box.port, "amy@example.com;bea@example.com")
    letter = box.received[0]
    assert (letter.sender, letter.receivers) == ("post@example.com", ["amy@example.com", "bea@example.com"])
    assert not letter.over_tls and not letter.signed_in
    assert "你好" in letter.html
    assert letter.client_name == "example.com"


async def test_starttls_with_an_account(certificates: Certificates, trusted: None):
    with mail_server(certificates, account="post@example.com", password="s3cret") as box:
        await send(box.port, **ACCOUNT)
    assert box.received[0].over_tls and box.received[0].signed_in


async def test_tls_from_the_start(certificates: Certificates, trusted: None, monkeypatch: pytest.MonkeyPatch):
    with mail_server(certificates, tls_at_once=True, account="post@example.com", password="s3cret") as box:
        monkeypatch.setattr(smtp, "TLS_PORT", box.port)
        await send(box.port, **ACCOUNT)
    assert box.received[0].over_tls and box.received[0].signed_in


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_certificate_of_an_unknown_authority_is_refused(
    at_once: bool, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
):
    with mail_server(certificates, tls_at_once=at_once) as box:
        if at_once:
            monkeypatch.setattr(smtp, "TLS_PORT", box.port)
        error = await failure(box.port)
    assert "certificate" in error.en
    assert not box.received


async def test_a_certificate_for_another_name_is_refused(certificates: Certificates, trusted: None):
    with mail_server(certificates, host="127.0.0.2") as box:
        error = await failure(box.port, SMTPServer="127.0.0.2")
    assert "certificate" in error.en
    assert not box.received


async def test_the_account_signs_in_on_this_machine_without_tls():
    with mail_server(account="post@example.com", password="s3cret", auth_needs_tls=False) as box:
        await send(box.port, **ACCOUNT)
    assert box.received[0].signed_in and not box.received[0].over_tls


async def test_the_password_is_not_told_to_another_machine_in_the_clear(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smtp.MailServer, "is_local", False)
    with mail_server(account="post@example.com", password="s3cret", auth_needs_tls=False) as box:
        error = await failure(box.port, **ACCOUNT)
    assert "not sent in the clear" in error.en
    assert not box.received


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]", "::1"])
def test_this_machine(host: str):
    assert smtp.MailServer(host, 25).is_local


@pytest.mark.parametrize("host", ["10.0.0.1", "smtp.example.com", "localhost.example.com", ""])
def test_other_machines(host: str):
    assert not smtp.MailServer(host, 25).is_local


async def test_a_wrong_password(certificates: Certificates, trusted: None):
    with mail_server(certificates, account="post@example.com", password="other") as box:
        error = await failure(box.port, **ACCOUNT)
    assert "refused account or password" in error.en
    assert "535" in error.detail
    assert not box.received


async def test_refused_receivers():
    with mail_server() as box:
        box.refusing.add("gone@example.com")
        error = await failure(box.port, "gone@example.com")
        await send(box.port, "gone@example.com;amy@example.com")
    assert "refused the receiver" in error.en and "550 5.1.1 nobody of that name" in error.detail
    assert box.received[0].receivers == ["amy@example.com"]


async def test_the_envelope_carries_the_account():
    with mail_server(account="post@example.com", password="s3cret", auth_needs_tls=False) as box:
        await send(box.port, **ACCOUNT, SMTPFrom="News <news@example.com>")
    assert box.received[0].sender == "post@example.com"
    assert box.received[0].message["From"].addresses[0].addr_spec == "news@example.com"


async def test_nothing_configured():
    assert "no SMTP server" in (await failure(25, SMTPServer="")).en
    assert not mailer(25, SMTPServer="").is_configured
    assert not mailer(25, SMTPFrom="").is_configured


async def test_nobody_there():
    assert "refuses connections" in (await failure(free_port())).en


@contextmanager
def server_saying(words: bytes) -> Iterator[int]:
    """A server that says this to everybody, then nothing more; without words it hangs up at once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept: list[socket.socket] = []

        def serve() -> None:
            accepted, _ = listening.accept()
            if words:
                accepted.sendall(words)
                kept.append(accepted)
            else:
                accepted.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)
        for each in kept:
            each.close()


async def test_a_server_that_falls_silent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smtp.deliver, "__kwdefaults__", {"timeout_s": 0.3})
    with server_saying(b"220 ready\r\n") as port:
        assert "in time" in (await failure(port)).en


async def test_a_server_that_hangs_up():
    with server_saying(b"") as port:
        assert "hung up" in (await failure(port)).en


async def test_a_server_that_is_none():
    with server_saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert (await failure(port)).en


async def test_many_at_once_do_not_hold_up_the_loop():
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    with mail_server() as box:
        sending = mailer(box.port)
        ticking = asyncio.create_task(tick())
        await asyncio.gather(*(sending.send("amy@example.com", LETTER) for _ in range(20)))
        ticking.cancel()
        sending.stop()
    assert len(box.received) == 20
    assert ticks > 5


def test_the_password_is_in_no_description():
    assert "s3cret" not in repr(smtp.MailServer("h", 25, "a", "s3cret"))
