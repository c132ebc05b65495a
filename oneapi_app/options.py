"""Run-time options, stored as strings in the ``options`` table; a missing row means the default.

``OPTIONS`` is the one list: name as in the database, kind, default, whether it is secret, and what it does.
``OptionValues`` is the typed, immutable snapshot the rest of the product reads.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from oneapi_app.errors import InvalidInput

THEMES = ("default", "berry", "air")
EMAIL_DOMAINS = "gmail.com,163.com,126.com,qq.com,outlook.com,hotmail.com,icloud.com,yahoo.com,foxmail.com"
MAX_TEXT_BYTES = 65_536
"""Longest text option (notice, about, home page); ratio tables may be ten times as long."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``read`` turns the stored text into a value and raises ValueError saying what is expected.

    ``check`` asks more of a value that is being saved; what an older program stored only has to be readable.
    ``listed`` is false for those the original omits from ``GET /api/option/`` until they are saved.
    """

    name: str
    read: Callable[[str], Any]
    default: str
    help: str
    secret: bool = False
    listed: bool = True
    area: str = "operation"
    check: Callable[[str], Any] | None = None

    def accepts(self, value: str) -> bool:
        try:
            self.read(value)
        except ValueError:
            return False
        return True


def _text(value: str) -> str:
    if len(value.encode()) > MAX_TEXT_BYTES:
        raise ValueError(f"at most {MAX_TEXT_BYTES} bytes")
    return value


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("expected true or false")
    return value == "true"


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("expected a whole number") from None
        if not minimum <= number <= maximum:
            raise ValueError(f"expected {minimum} to {maximum}")
        return number

    return read


def _real(minimum: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise ValueError("expected a number") from None
        if not math.isfinite(number) or number < minimum:
            raise ValueError(f"expected at least {minimum}")
        return number

    return read


def _theme(value: str) -> str:
    if value and value not in THEMES:
        raise ValueError("expected one of " + ", ".join(THEMES))
    return value


def _url(value: str) -> str:
    if value and not re.match(r"https?://[^\s]+$", value):
        raise ValueError("expected an http:// or https:// address")
    return value.rstrip("/")


def _line(value: str) -> str:
    if re.search(r"[\x00-\x1f\x7f\u0085\u2028\u2029]", value):
        raise ValueError("expected one line of text")
    return value


def _link(value: str) -> str:
    """For pages: an address, a path on this site, or a picture in the text itself."""
    if value and not re.match(r"(https?://|/(?!/)|data:image/)[^\s]+$", value):
        raise ValueError("expected an http:// or https:// address, or a path that begins with /")
    return _line(value)


def _sender(value: str) -> str:
    """``post@example.com`` or ``News <post@example.com>``."""
    address = r"[^@\s<>,;]+@[^@\s<>,;]+"
    if value and not re.fullmatch(rf"{address}|[^<>]*<{address}>", value):
        raise ValueError("expected an e-mail address")
    return _line(value)


def _domains(value: str) -> tuple[str, ...]:
    domains = _comma_list(value)
    for domain in domains:
        if not re.fullmatch(r"[^@\s/]+\.[^@\s/.]+", domain):
            raise ValueError("expected domains such as example.com, separated by commas")
    return domains


def _comma_list(value: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())


_PRICE_VARIES = -500_000
"""Stands in the original's own table (openrouter/auto), so in every table saved from its console too."""


def _ratios(value: str) -> Mapping[str, float]:
    """A JSON object of names to numbers >= 0, read as a whole or not at all."""
    if len(value.encode()) > 10 * MAX_TEXT_BYTES:
        raise ValueError(f"at most {10 * MAX_TEXT_BYTES} bytes")
    try:
        table = json.loads(value or "{}")
    except (ValueError, RecursionError):
        raise ValueError("not valid JSON") from None
    if not isinstance(table, dict):
        raise ValueError("expected a JSON object of names to numbers")
    for name, ratio in table.items():
        if not _is_ratio(ratio):
            raise ValueError(f"{name!r} needs a number of at least 0")
    return {name: float(ratio) for name, ratio in table.items()}


def _is_ratio(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        number = float(value)
    except OverflowError:  # JSON knows whole numbers of any length
        return False
    return math.isfinite(number) and (number >= 0 or number == _PRICE_VARIES)


_MAX_QUOTA = 2**53
OPTIONS: Mapping[str, Option] = {
    option.name: option
    for option in (
        Option("PasswordLoginEnabled", _flag, "true", "Sign in with a password.", area="system"),
        Option("PasswordRegisterEnabled", _flag, "true", "Register with a password.", area="system"),
        Option(
            "EmailVerificationEnabled", _flag, "false", "Registration needs a verified e-mail.", area="system"
        ),
        Option("GitHubOAuthEnabled", _flag, "false", "Sign in with GitHub.", area="system"),
        Option("OidcEnabled", _flag, "false", "Sign in with OpenID Connect.", area="system"),
        Option("WeChatAuthEnabled", _flag, "false", "Sign in with WeChat.", area="system"),
        Option(
            "TurnstileCheckEnabled",
            _flag,
            "false",
            "Ask Cloudflare Turnstile before registering.",
            area="system",
        ),
        Option("RegisterEnabled", _flag, "true", "New accounts of any kind.", area="system"),
        Option(
            "EmailDomainRestrictionEnabled", _flag, "false", "Only whitelisted e-mail domains.", area="system"
        ),
        Option(
            "EmailDomainWhitelist",
            _comma_list,
            EMAIL_DOMAINS,
            "Allowed e-mail domains.",
            area="system",
            check=_domains,
        ),
        Option("AutomaticDisableChannelEnabled", _flag, "false", "Disable channels whose key is dead."),
        Option(
            "AutomaticEnableChannelEnabled", _flag, "false", "Enable channels again when a test succeeds."
        ),
        Option("ChannelDisableThreshold", _real(0), "5", "Longest answer in a bulk test, seconds; 0 = any."),
        Option("ApproximateTokenEnabled", _flag, "false", "Estimate token counts from length."),
        Option("LogConsumeEnabled", _flag, "true", "Write a log row per relayed request."),
        Option("DisplayInCurrencyEnabled", _flag, "true", "Show money rather than quota."),
        Option(
            "DisplayTokenStatEnabled", _flag, "true", "Billing endpoints speak of the token, not its owner."
        ),
        Option("SMTPServer", _text, "", "Mail server.", area="system", check=_line),
        Option("SMTPPort", _whole(1, 65535), "587", "465 means TLS from the start.", area="system"),
        Option("SMTPAccount", _text, "", "Mail account.", area="system", check=_line),
        Option("SMTPFrom", _text, "", "Sender; empty means the account.", area="system", check=_sender),
        Option("SMTPToken", _text, "", "Mail password.", secret=True, area="system", check=_line),
        Option("Notice", _text, "", "Notice shown to everybody, Markdown or HTML.", area="other"),
        Option("About", _text, "", "About page: Markdown, HTML or an https address.", area="other"),
        Option("HomePageContent", _text, "", "Front page: Markdown, HTML or an https address.", area="other"),
        Option("Footer", _text, "", "Footer, HTML.", area="other"),
        Option("SystemName", _text, "One API", "Name of the site.", area="other", check=_line),
        Option("Logo", _text, "", "Address of the logo.", area="other", check=_link),
        Option("Theme", _theme, "", "default, berry or air; empty means THEME.", area="other"),
        Option("ServerAddress", _url, "", "Public address of this site, for links.", area="system"),
        Option("GitHubClientId", _text, "", "GitHub OAuth app.", area="system", check=_line),
        Option("GitHubClientSecret", _text, "", "GitHub OAuth app.", secret=True, area="system", check=_line),
        Option(
            "LarkClientId",
            _text,
            "",
            "Lark app; with its secret it switches Lark on.",
            listed=False,
            area="system",
            check=_line,
        ),
        Option(
            "LarkClientSecret", _text, "", "Lark app.", secret=True, listed=False, area="system", check=_line
        ),
        Option("OidcClientId", _text, "", "OpenID Connect client.", listed=False, area="system", check=_line),
        Option(
            "OidcClientSecret",
            _text,
            "",
            "OpenID Connect client.",
            secret=True,
            listed=False,
            area="system",
            check=_line,
        ),
        Option("OidcWellKnown", _text, "", "Discovery document.", listed=False, area="system", check=_url),
        Option(
            "OidcAuthorizationEndpoint",
            _text,
            "",
            "Where users sign in.",
            listed=False,
            area="system",
            check=_url,
        ),
        Option(
            "OidcTokenEndpoint",
            _text,
            "",
            "Where codes are exchanged.",
            listed=False,
            area="system",
            check=_url,
        ),
        Option("OidcUserinfoEndpoint", _text, "", "Who signed in.", listed=False, area="system", check=_url),
        Option("WeChatServerAddress", _text, "", "wechat-server.", area="system", check=_url),
        Option("WeChatServerToken", _text, "", "wechat-server.", secret=True, area="system", check=_line),
        Option(
            "WeChatAccountQRCodeImageURL", _text, "", "QR code shown at sign-in.", area="system", check=_link
        ),
        Option("MessagePusherAddress", _text, "", "Message Pusher.", area="system", check=_url),
        Option("MessagePusherToken", _text, "", "Message Pusher.", secret=True, area="system", check=_line),
        Option("TurnstileSiteKey", _text, "", "Cloudflare Turnstile.", area="system", check=_line),
        Option(
            "TurnstileSecretKey", _text, "", "Cloudflare Turnstile.", secret=True, area="system", check=_line
        ),
        Option("QuotaForNewUser", _whole(0, _MAX_QUOTA), "0", "Quota of a new account."),
        Option("QuotaForInviter", _whole(0, _MAX_QUOTA), "0", "Reward of who invited."),
        Option("QuotaForInvitee", _whole(0, _MAX_QUOTA), "0", "Reward of who was invited."),
        Option("QuotaRemindThreshold", _whole(0, _MAX_QUOTA), "1000", "Mail users whose quota falls below."),
        Option(
            "PreConsumedQuota",
            _whole(0, _MAX_QUOTA),
            "500",
            "Tokens reserved for an answer of unknown length.",
        ),
        Option("ModelRatio", _ratios, "", "Price of a prompt token per model."),
        Option("CompletionRatio", _ratios, "", "Price of a completion token relative to a prompt token."),
        Option("GroupRatio", _ratios, '{"default":1,"svip":1,"vip":1}', "Price factor per user group."),
        Option("TopUpLink", _text, "", "Where users buy quota.", check=_link),
        Option("ChatLink", _text, "", "A chat site.", check=_link),
        Option("QuotaPerUnit", _real(0.000001), "500000", "Quota per unit of money."),
        Option("RetryTimes", _whole(0, 100), "0", "Further channels tried after a failure."),
        Option(
            "LogRetentionDays",
            _whole(0, 36_500),
            "0",
            "Log rows older than this many days are deleted; 0 keeps them.",
            listed=False,
        ),
    )
}


def read_option(name: str, value: str) -> Any:
    """The typed value. Raises InvalidInput saying which option and what is expected."""
    option = OPTIONS.get(name)
    if option is None:
        raise InvalidInput(f"无效的参数：未知的设置项 {name}", f"unknown option {name}")
    try:
        return option.read(value)
    except ValueError as error:
        raise _not_valid(name, error) from None


def check_option(name: str, value: str) -> None:
    """Whether the value may be saved. Raises InvalidInput."""
    read_option(name, value)
    check = OPTIONS[name].check
    try:
        if check is not None:
            check(value)
    except ValueError as error:
        raise _not_valid(name, error) from None


def _not_valid(name: str, error: ValueError) -> InvalidInput:
    return InvalidInput(f"无效的参数：{name}：{error}", f"{name}: {error}")


def attribute_name(name: str) -> str:
    """``SMTPServer`` -> ``smtp_server``, ``GitHubClientId`` -> ``git_hub_client_id``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return parted.lower()


class OptionValues:
    """All options, typed: ``values.retry_times``. Immutable; rows that cannot be read count as missing.

    ``stored`` are the rows of the table as they are. ``unreadable`` names those that were ignored.
    """

    def __init__(self, stored: Mapping[str, str]) -> None:
        self.stored = dict(stored)
        self.unreadable: dict[str, str] = {}
        for option in OPTIONS.values():
            text = self.stored.get(option.name, option.default)
            try:
                value = option.read(text)
            except ValueError as error:
                self.unreadable[option.name] = str(error)
                value = option.read(option.default)
            setattr(self, attribute_name(option.name), value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no option has the attribute {name}")

    def text(self, name: str) -> str:
        """The option as stored, or its default."""
        return self.stored.get(name, OPTIONS[name].default)

    @cached_property
    def effective_server_address(self) -> str:
        """For links in mails and OAuth redirects, without a slash at the end."""
        return self.stored.get("ServerAddress", "").rstrip("/") or "http://localhost:3000"
