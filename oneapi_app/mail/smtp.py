"""One message to one SMTP server. Blocks: for worker threads.

Port 465 speaks TLS from the first byte, any other port STARTTLS where the server offers it; certificates are checked
either way. Without TLS a password is told to this machine only, and other machines are not asked to deliver for an
account that would need one.
"""

import ipaddress
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

from oneapi_app.kit.tls import verifying_context
from oneapi_app.mail.errors import MailError

TLS_PORT = 465
TIMEOUT_S = 15.0
"""For each step of the conversation."""
_REPLY_CHARS = 200


@dataclass(frozen=True, slots=True)
class MailServer:
    """``account`` and ``password`` are empty where the server wants none."""

    host: str
    port: int
    account: str = ""
    password: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def deliver(
    server: MailServer,
    message: EmailMessage,
    *,
    sender: str,
    receivers: list[str],
    own_name: str,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, str]:
    """``sender`` is the envelope's, ``own_name`` what we call ourselves. Raises MailError.

    Receivers the server refused while it took others, with its words; empty where all is well.
    """
    try:
        connection = _connect(server, own_name, timeout_s)
        try:
            _secure(connection, server)
            _sign_in(connection, server)
            refused = connection.send_message(message, sender, receivers)
            # The message is the server's now; that some hang up instead of saying goodbye changes nothing.
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
        finally:
            connection.close()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _in_words(error, server) from None
    return {address: _reply(*answer) for address, answer in refused.items()}


def _connect(server: MailServer, own_name: str, timeout_s: float) -> smtplib.SMTP:
    host = server.host.strip("[]")
    if server.port == TLS_PORT:
        return smtplib.SMTP_SSL(
            host, server.port, local_hostname=own_name, timeout=timeout_s, context=verifying_context()
        )
    return smtplib.SMTP(host, server.port, local_hostname=own_name, timeout=timeout_s)


def _secure(connection: smtplib.SMTP, server: MailServer) -> None:
    connection.ehlo_or_helo_if_needed()
    if isinstance(connection, smtplib.SMTP_SSL):
        return
    if connection.has_extn("starttls"):
        connection.starttls(context=verifying_context())
        connection.ehlo()
    elif server.account and server.password and not server.is_local:
        raise MailError(
            "邮件服务器不支持加密（STARTTLS），拒绝明文发送密码；请改用 465 端口",
            "the mail server offers no encryption (STARTTLS), and the password is not sent in the clear; "
            "try port 465",
        )


def _sign_in(connection: smtplib.SMTP, server: MailServer) -> None:
    if server.account and server.password:
        connection.login(server.account, server.password)


def _in_words(error: Exception, server: MailServer) -> MailError:
    where = f"{server.host}:{server.port}"
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, TimeoutError):
        error = error.__context__
    for kind, zh, en in _EXPLANATIONS:
        if isinstance(error, kind):
            return MailError(zh, en, f"{where}: {_own_words(error)}".rstrip(": "))
    return MailError(
        "无法与邮件服务器通信", "the mail server cannot be talked to", f"{where}: {_own_words(error)}"
    )


_EXPLANATIONS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        "邮件服务器拒绝了账户或密码；许多邮箱需要使用授权码（应用专用密码）",
        "the mail server refused account or password; many providers want an app password here",
    ),
    (
        smtplib.SMTPNotSupportedError,
        "邮件服务器不支持所需的功能（登录方式或非 ASCII 地址）",
        "the mail server lacks what is needed (signing in, or addresses beyond ASCII)",
    ),
    (smtplib.SMTPRecipientsRefused, "邮件服务器拒绝了收件人", "the mail server refused the receiver"),
    (
        smtplib.SMTPSenderRefused,
        "邮件服务器拒绝了发件人；SMTPFrom 通常必须与账户一致",
        "the mail server refused the sender; SMTPFrom usually has to be the account's own address",
    ),
    (smtplib.SMTPDataError, "邮件服务器拒绝了邮件内容", "the mail server refused the message"),
    (
        smtplib.SMTPServerDisconnected,
        "邮件服务器断开了连接；465 端口需要直接 TLS，587 端口使用 STARTTLS",
        "the mail server hung up; port 465 speaks TLS at once, port 587 STARTTLS",
    ),
    (smtplib.SMTPResponseException, "邮件服务器报告错误", "the mail server reported an error"),
    (
        ssl.SSLCertVerificationError,
        "邮件服务器的证书无效或与服务器名不符",
        "the mail server's certificate is not valid for it",
    ),
    (
        ssl.SSLError,
        "与邮件服务器的 TLS 握手失败；465 端口需要直接 TLS，587 端口使用 STARTTLS",
        "TLS with the mail server failed; port 465 speaks TLS at once, port 587 STARTTLS",
    ),
    (socket.gaierror, "找不到邮件服务器，请检查地址", "the mail server's name cannot be resolved"),
    (TimeoutError, "邮件服务器没有及时响应", "the mail server did not answer in time"),
    (
        ConnectionRefusedError,
        "邮件服务器拒绝连接，请检查端口",
        "the mail server refuses connections on this port",
    ),
    (
        UnicodeError,
        "服务器名、账户或密码含有无效字符",
        "server name, account or password hold characters that cannot be sent",
    ),
)


def _own_words(error: Exception) -> str:
    """What the server, TLS or the system said; nothing of ours, so no password."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(_reply(*answer) for answer in error.recipients.values())[:_REPLY_CHARS]
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, smtplib.SMTPException):
        return " ".join(str(error).split())[:_REPLY_CHARS]
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__


def _reply(code: int, text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(shown.split())}"[:_REPLY_CHARS]
