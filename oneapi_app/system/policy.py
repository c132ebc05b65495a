"""Rules between options: what has to be filled in before something may be switched on. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oneapi_app.errors import Conflict

Read = Callable[[str], str]
"""An option's text as it will be, or its default."""


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """``switch`` may only be on while ``is_met``; ``needs`` are the options that looks at."""

    switch: str
    needs: tuple[str, ...]
    is_met: Callable[[Read], bool]
    zh: str
    en: str


def _all_of(*names: str) -> Callable[[Read], bool]:
    return lambda read: all(read(name).strip(" ,") for name in names)


_OIDC_ENDPOINTS = ("OidcAuthorizationEndpoint", "OidcTokenEndpoint", "OidcUserinfoEndpoint")


def _oidc_is_complete(read: Read) -> bool:
    """An issuer that is discovered, or its three endpoints by hand."""
    return _all_of("OidcClientId")(read) and (bool(read("OidcWellKnown")) or _all_of(*_OIDC_ENDPOINTS)(read))


PREREQUISITES = (
    Prerequisite(
        "GitHubOAuthEnabled",
        ("GitHubClientId",),
        _all_of("GitHubClientId"),
        "无法启用 GitHub OAuth，请先填入 GitHub Client Id 以及 GitHub Client Secret！",
        "cannot enable GitHub sign-in: enter and save client id and secret first",
    ),
    Prerequisite(
        "OidcEnabled",
        ("OidcClientId", "OidcWellKnown", *_OIDC_ENDPOINTS),
        _oidc_is_complete,
        "无法启用 OIDC 登录，请先填入 OIDC Client Id 以及 Well-Known URL 或三个端点！",
        "cannot enable OIDC sign-in: enter and save the client id and the well-known address or the three endpoints first",
    ),
    Prerequisite(
        "EmailDomainRestrictionEnabled",
        ("EmailDomainWhitelist",),
        _all_of("EmailDomainWhitelist"),
        "无法启用邮箱域名限制，请先填入限制的邮箱域名！",
        "cannot restrict e-mail domains: enter and save some first",
    ),
    Prerequisite(
        "WeChatAuthEnabled",
        ("WeChatServerAddress",),
        _all_of("WeChatServerAddress"),
        "无法启用微信登录，请先填入微信登录相关配置信息！",
        "cannot enable WeChat sign-in: enter and save its settings first",
    ),
    Prerequisite(
        "TurnstileCheckEnabled",
        ("TurnstileSiteKey", "TurnstileSecretKey"),
        _all_of("TurnstileSiteKey", "TurnstileSecretKey"),
        "无法启用 Turnstile 校验，请先填入 Turnstile 校验相关配置信息！",
        "cannot enable Turnstile: enter and save site key and secret key first",
    ),
)


def check_prerequisites(changes: Mapping[str, str], after: Read) -> None:
    """Raises Conflict where a switch would be on without what it needs, whichever of them is being changed."""
    for rule in PREREQUISITES:
        concerned = rule.switch in changes or any(name in changes for name in rule.needs)
        if concerned and after(rule.switch) == "true" and not rule.is_met(after):
            raise Conflict(rule.zh, rule.en)
