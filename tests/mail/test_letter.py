"""What a message looks like, and that nobody can write into its headers or its HTML."""

import email
import email.policy
import re

import pytest

from oneapi_app.mail.errors import MailError
from oneapi_app.mail.letter import Letter, Sender, compose, link, paragraph, receivers_of

LETTER = Letter("密码重置", "", paragraph("你好") + link("https://x.example/a?b=1&c=2", "打开"))
SENDER = Sender("我的站点", "post@example.com")


def parsed(letter: Letter = LETTER, sender: Sender = SENDER, receivers: str = "amy@example.com"):
    raw = compose(letter, sender, receivers_of(receivers)).as_bytes()
    return raw, email.message_from_bytes(raw, policy=email.policy.default)


def test_headers():
    raw, message = parsed(receivers="amy@example.com; bea@example.com")
    assert message["From"].addresses[0].display_name == "我的站点"
    assert message["From"].addresses[0].addr_spec == "post@example.com"
    assert [address.addr_spec for address in message["To"].addresses] == [
        "amy@example.com",
        "bea@example.com",
    ]
    assert message["Subject"] == "密码重置"
    assert b"Subject: =?utf-8?" in raw, "beyond ASCII as RFC 2047 has it"
    assert message["Date"].datetime is not None
    assert re.fullmatch(r"<[^@\s]+@example\.com>", message["Message-ID"])
    assert message.get_content_type() == "text/html"
    assert message.get_content_charset() == "utf-8"
    assert all(len(line) <= 998 and line.isascii() for line in raw.split(b"\r\n"))


def test_a_sender_may_bring_a_name_of_its_own():
    _, message = parsed(sender=Sender("Site", "Ann Other <ann@example.com>"))
    assert str(message["From"]) == "Ann Other <ann@example.com>"


@pytest.mark.parametrize(
    "evil", ["a\r\nBcc: victim@example.com", "a\nBcc: victim@example.com", "a\u2028Bcc: v"]
)
def test_header_injection(evil: str):
    raw, message = parsed(Letter(evil, "", ""), Sender(evil, "post@example.com"))
    assert message["Bcc"] is None
    assert b"\nBcc" not in raw
    assert "\n" not in message["Subject"]


@pytest.mark.parametrize(
    "receivers",
    ["", ";", "nobody", "a@b\r\nRCPT TO:<x@y>", "a@b,c@d", "A <a@b>", "group:a@b.co", "a@b\0.co", "a b@c.d"],
)
def test_receivers_that_are_none(receivers: str):
    with pytest.raises(MailError):
        receivers_of(receivers)


@pytest.mark.parametrize("address", ["nobody", "a b@c.d e", "@", "a@"])
def test_a_sender_that_is_none(address: str):
    with pytest.raises(MailError, match="SMTPFrom"):
        compose(LETTER, Sender("Site", address), ["amy@example.com"])


def test_a_sender_with_line_ends_adds_no_header():
    raw, message = parsed(sender=Sender("Site", "post@example.com\r\nBcc: victim@example.com"))
    assert message["Bcc"] is None and b"victim" not in raw


def test_texts_cannot_become_markup():
    body = paragraph("<script>alert(1)</script>") + link('https://x/"><script>', "<b>")
    _, message = parsed(Letter("<i>", "", body), Sender("<u>", "post@example.com"))
    html = message.get_content()
    assert "<script" not in html and "<b>" not in html and "<i>" not in html and "<u>" not in html
    assert "&lt;script&gt;" in html
