"""The providers, and what they say about a person. Pure.

A provider's texts are the original's literals, which other front ends show as they are.
"""

from dataclasses import dataclass

from oneapi_app.errors import Conflict, Forbidden, InvalidInput, Unavailable
from oneapi_app.kit.text import is_storable
from oneapi_app.options import OptionValues

MAX_SUBJECT = 191
"""Characters MySQL's column takes; whoever has a longer identity is refused rather than confused with another."""


@dataclass(frozen=True, slots=True)
class Provider:
    """``name`` stands in paths and new user names, ``column`` of ``users`` holds the identity."""

    name: str
    column: str
    zh: str
    en: str
    stranger: str
    """Display name of a person the provider does not name."""
    account_zh: str = "账户"

    def switched_off(self) -> Forbidden:
        return Forbidden(
            f"管理员未开启通过{self.zh}登录以及注册", f"signing in with {self.en} is not switched on"
        )

    def unreachable(self) -> Unavailable:
        return Unavailable(
            f"无法连接至{self.zh}服务器，请稍后重试！", f"{self.en} cannot be reached, try again later"
        )

    def nameless(self) -> InvalidInput:
        """The provider did not say who this is: a wrong or spent code, or wrong credentials of the site."""
        return InvalidInput(
            "返回值非法，用户字段为空，请稍后重试！",
            f"{self.en} did not say who you are; start again, and tell the operator if it stays so",
        )

    def taken(self) -> Conflict:
        return Conflict(
            f"该{self.zh}{self.account_zh}已被绑定",
            f"this {self.en} account is bound to another user already",
        )


GITHUB = Provider("github", "github_id", " GitHub ", "GitHub", "GitHub User")
OIDC = Provider("oidc", "oidc_id", " OIDC ", "OIDC", "OIDC User")
LARK = Provider("lark", "lark_id", "飞书", "Lark", "Lark User")
WECHAT = Provider("wechat", "wechat_id", "微信", "WeChat", "WeChat User", "账号")

BY_REDIRECT = {provider.name: provider for provider in (GITHUB, OIDC, LARK)}
"""Those that send the browser away and back again, with a state."""
ALL = {**BY_REDIRECT, WECHAT.name: WECHAT}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came, as the provider says. ``subject`` is never empty.

    ``number`` is GitHub's own, which stays when the login (the subject) changes. ``email`` is one the provider
    vouches for, ``username`` a wish.
    """

    provider: Provider
    subject: str
    name: str = ""
    email: str = ""
    username: str = ""
    number: int = 0

    def __post_init__(self) -> None:
        if not self.subject or len(self.subject) > MAX_SUBJECT or not is_storable(self.subject):
            raise self.provider.nameless()


def is_enabled(provider: Provider, options: OptionValues) -> bool:
    """Whether the operator switched it on and said enough for it to work."""
    match provider.name:
        case "github":
            return options.git_hub_o_auth_enabled and bool(options.git_hub_client_id)
        case "oidc":
            return options.oidc_enabled and bool(options.oidc_client_id)
        case "lark":
            return bool(options.lark_client_id and options.lark_client_secret)
        case _:
            return options.we_chat_auth_enabled and bool(options.we_chat_server_address)


def require_enabled(provider: Provider, options: OptionValues) -> None:
    """Raises Forbidden."""
    if not is_enabled(provider, options):
        raise provider.switched_off()
