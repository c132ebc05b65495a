"""Which option stands on which card of which settings page: data the pages are drawn from.

Labels are the catalog keys ``settings.<option>``, help lines ``settings.<option>_help`` where there is one.
"""

from dataclasses import dataclass
from enum import StrEnum

from oneapi_app.console.i18n import catalogs
from oneapi_app.options import OPTIONS, attribute_name


class Kind(StrEnum):
    """How an option is edited."""

    SWITCH = "switch"
    TEXT = "text"
    NUMBER = "number"
    QUOTA = "quota"
    """Whole units, shown as money beside."""
    WRITE_ONLY = "write-only"
    LIST = "list"
    DOCUMENT = "document"
    """Markdown, HTML or a web address, with a preview."""


@dataclass(frozen=True)
class Entry:
    option: str
    kind: Kind

    @property
    def label(self) -> str:
        return f"settings.{attribute_name(self.option)}"

    @property
    def help(self) -> str | None:
        key = f"{self.label}_help"
        return key if key in catalogs()["zh"] else None


@dataclass(frozen=True)
class Section:
    """One card. Its switches save at once, its other fields together."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        return f"settings.section_{self.name}"

    @property
    def intro(self) -> str | None:
        key = f"{self.title}_help"
        return key if key in catalogs()["zh"] else None

    @property
    def fields(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.kind is not Kind.SWITCH)

    @property
    def switches(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.kind is Kind.SWITCH)


def _section(name: str, /, **entries: Kind) -> Section:
    unknown = entries.keys() - OPTIONS.keys()
    assert not unknown, f"unknown options {unknown}"
    return Section(name, tuple(Entry(option, kind) for option, kind in entries.items()))


OPERATION = (
    _section(
        "quota",
        QuotaForNewUser=Kind.QUOTA,
        QuotaForInviter=Kind.QUOTA,
        QuotaForInvitee=Kind.QUOTA,
        QuotaRemindThreshold=Kind.QUOTA,
        PreConsumedQuota=Kind.NUMBER,
    ),
    _section(
        "health",
        AutomaticDisableChannelEnabled=Kind.SWITCH,
        AutomaticEnableChannelEnabled=Kind.SWITCH,
        RetryTimes=Kind.NUMBER,
        ChannelDisableThreshold=Kind.NUMBER,
    ),
    _section(
        "display",
        DisplayInCurrencyEnabled=Kind.SWITCH,
        DisplayTokenStatEnabled=Kind.SWITCH,
        QuotaPerUnit=Kind.NUMBER,
        TopUpLink=Kind.TEXT,
        ChatLink=Kind.TEXT,
    ),
    _section(
        "log",
        LogConsumeEnabled=Kind.SWITCH,
        ApproximateTokenEnabled=Kind.SWITCH,
        LogRetentionDays=Kind.NUMBER,
    ),
)
SYSTEM = (
    _section("server", ServerAddress=Kind.TEXT),
    _section(
        "sign_in",
        PasswordLoginEnabled=Kind.SWITCH,
        RegisterEnabled=Kind.SWITCH,
        PasswordRegisterEnabled=Kind.SWITCH,
        EmailVerificationEnabled=Kind.SWITCH,
        EmailDomainRestrictionEnabled=Kind.SWITCH,
        EmailDomainWhitelist=Kind.LIST,
    ),
    _section(
        "mail",
        SMTPServer=Kind.TEXT,
        SMTPPort=Kind.NUMBER,
        SMTPAccount=Kind.TEXT,
        SMTPFrom=Kind.TEXT,
        SMTPToken=Kind.WRITE_ONLY,
    ),
    _section("pusher", MessagePusherAddress=Kind.TEXT, MessagePusherToken=Kind.WRITE_ONLY),
    _section(
        "github", GitHubOAuthEnabled=Kind.SWITCH, GitHubClientId=Kind.TEXT, GitHubClientSecret=Kind.WRITE_ONLY
    ),
    _section(
        "oidc",
        OidcEnabled=Kind.SWITCH,
        OidcClientId=Kind.TEXT,
        OidcClientSecret=Kind.WRITE_ONLY,
        OidcWellKnown=Kind.TEXT,
        OidcAuthorizationEndpoint=Kind.TEXT,
        OidcTokenEndpoint=Kind.TEXT,
        OidcUserinfoEndpoint=Kind.TEXT,
    ),
    _section("lark", LarkClientId=Kind.TEXT, LarkClientSecret=Kind.WRITE_ONLY),
    _section(
        "wechat",
        WeChatAuthEnabled=Kind.SWITCH,
        WeChatServerAddress=Kind.TEXT,
        WeChatServerToken=Kind.WRITE_ONLY,
        WeChatAccountQRCodeImageURL=Kind.TEXT,
    ),
    _section(
        "turnstile",
        TurnstileCheckEnabled=Kind.SWITCH,
        TurnstileSiteKey=Kind.TEXT,
        TurnstileSecretKey=Kind.WRITE_ONLY,
    ),
)
OTHER = (
    _section("site", SystemName=Kind.TEXT, Logo=Kind.TEXT),
    _section("notice", Notice=Kind.DOCUMENT),
    _section("home", HomePageContent=Kind.DOCUMENT),
    _section("about", About=Kind.DOCUMENT),
    _section("footer", Footer=Kind.DOCUMENT),
)
SECTIONS = {section.name: section for section in (*OPERATION, *SYSTEM, *OTHER)}
