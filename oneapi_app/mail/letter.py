"""A letter, and the message it becomes: headers that nobody can write into, HTML that nobody can write into.

Pure but for the Message-ID's randomness and the Date.
"""

import re
import unicodedata
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from html import escape

from oneapi_app.mail.errors import MailError

MAX_RECEIVERS = 50
_PART = r"[^@\s\x00-\x1f\x7f,:;<>()\[\]\\\"]+"
_ADDRESS = re.compile(f"{_PART}@{_PART}")


@dataclass(frozen=True, slots=True)
class Letter:
    """``body`` is HTML, made of ``paragraph`` and ``link``; ``summary`` says the same in a line of plain text."""

    subject: str
    summary: str
    body: str


@dataclass(frozen=True, slots=True)
class Sender:
    """``address`` may hold a name of its own, ``Ann <ann@example.com>``; else ``name`` stands before it."""

    name: str
    address: str


def paragraph(text: str, *, strong: bool = False, quiet: bool = False) -> str:
    """``text`` is plain and may be anybody's."""
    style = ""
    if strong:
        style = ' style="font-size:28px;font-weight:600;letter-spacing:4px;margin:24px 0"'
    elif quiet:
        style = ' style="color:#667085;font-size:13px"'
    return f"<p{style}>{escape(text)}</p>"


def link(url: str, text: str) -> str:
    """A button, and the address below for clients that show none."""
    href = escape(url, quote=True)
    button = "display:inline-block;padding:10px 22px;border-radius:6px;background:#2563eb;color:#fff"
    return (
        f'<p style="margin:24px 0"><a href="{href}" style="{button};text-decoration:none">{escape(text)}</a></p>'
        f'<p style="color:#667085;font-size:13px;word-break:break-all">{href}</p>'
    )


def receivers_of(text: str) -> list[str]:
    """Several addresses are separated by ``;``. Raises MailError where one is none, or there is none."""
    found = [part.strip() for part in text.split(";") if part.strip()]
    if not found or len(found) > MAX_RECEIVERS or not all(_ADDRESS.fullmatch(address) for address in found):
        raise MailError("收件人地址无效", "the receiver's address is not valid")
    return found


def sender_address(sender: Sender) -> Address:
    """Raises MailError for an address that is none."""
    own_name, address = parseaddr(sender.address)
    if not _ADDRESS.fullmatch(address):
        raise MailError("发件人地址无效，请检查 SMTPFrom", "the sender's address (SMTPFrom) is not valid")
    user, _, domain = address.rpartition("@")
    try:
        return Address(single_line(own_name or sender.name), user, domain)
    except ValueError:
        raise MailError(
            "发件人地址无效，请检查 SMTPFrom", "the sender's address (SMTPFrom) is not valid"
        ) from None


def compose(letter: Letter, sender: Sender, receivers: list[str]) -> EmailMessage:
    """The message as it goes out. Raises MailError for addresses that are none."""
    origin = sender_address(sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = origin
    message["To"] = ", ".join(receivers)
    message["Subject"] = single_line(letter.subject)
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=ascii_domain(origin))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_page(letter, sender.name), subtype="html", charset="utf-8", cte="base64")
    return message


def ascii_domain(address: Address) -> str:
    """The domain as DNS knows it."""
    try:
        return address.domain.encode("idna").decode()
    except UnicodeError:
        return "localhost"


def single_line(text: str) -> str:
    """What may stand in a header: no line ends, no control or invisible characters, of a decent length."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(visible.split())[:200]


def _page(letter: Letter, site: str) -> str:
    name = escape(single_line(site))
    card = "max-width:560px;margin:0 auto;padding:32px;border:1px solid #e4e7ec;border-radius:10px;background:#fff"
    return (
        "<!DOCTYPE html>\n"
        '<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>\n'
        '<body style="margin:0;padding:32px 12px;background:#f5f6f8;color:#1d2433;'
        'font:15px/1.6 -apple-system,Segoe UI,Roboto,PingFang SC,Microsoft YaHei,sans-serif">\n'
        f'<div style="{card}">\n<h2 style="margin:0 0 16px;font-size:20px">{escape(single_line(letter.subject))}</h2>\n'
        f"{letter.body}\n</div>\n"
        '<p style="text-align:center;color:#98a2b3;font-size:12px">此邮件由系统自动发送，请勿直接回复<br>'
        f"This message was sent automatically, please do not reply.<br>{name}</p>\n"
        "</body></html>\n"
    )
