"""Coming in by third parties, with codes by mail, past the check for humans: what several pages draw of it."""

from typing import Any

import reflex as rx

from oneapi_app.console import client
from oneapi_app.console.components import field, icon_button, text_input
from oneapi_app.console.i18n import t

_LIBRARY = "$/console/entrance"

NAMES = {"github": "GitHub", "oidc": "OIDC", "lark": t("third_party.lark"), "wechat": t("third_party.wechat")}
"""What people call the providers."""

_GITHUB_MARK = (
    "M8 0C3.58 0 0 3.58 0 8c0 3.54 2.29 6.53 5.47 7.59.4.07.55-.17.55-.38 0-.19-.01-.82-.01-1.49-2.01.37-2.53-.49"
    "-2.69-.94-.09-.23-.48-.94-.82-1.13-.28-.15-.68-.52-.01-.53.63-.01 1.08.58 1.23.82.72 1.21 1.87.87 2.33.66.07"
    "-.52.28-.87.51-1.07-1.78-.2-3.64-.89-3.64-3.95 0-.87.31-1.59.82-2.15-.08-.2-.36-1.02.08-2.12 0 0 .67-.21 2.2"
    ".82.64-.18 1.32-.27 2-.27s1.36.09 2 .27c1.53-1.04 2.2-.82 2.2-.82.44 1.1.16 1.92.08 2.12.51.56.82 1.27.82 2.15"
    " 0 3.07-1.87 3.75-3.65 3.95.29.25.54.73.54 1.48 0 1.07-.01 1.93-.01 2.2 0 .21.15.46.55.38A8.01 8.01 0 0 0 16 8"
    "c0-4.42-3.58-8-8-8z"
)
_ICONS = {"oidc": "key-round", "lark": "feather", "wechat": "message-circle"}


class ThirdPartyButton(rx.Component):
    """Sends the browser to ``provider``; ``next`` is where it is led after it has come back."""

    library = _LIBRARY
    tag = "ThirdPartyButton"
    provider: rx.Var[str]
    name: rx.Var[str]
    next: rx.Var[str]


class ThirdPartyReturn(rx.Component):
    """Finishes what ``ThirdPartyButton`` began; ``home``, ``personal``, ``sign_in`` are addresses to lead to."""

    library = _LIBRARY
    tag = "ThirdPartyReturn"
    provider: rx.Var[str]
    name: rx.Var[str]
    home: rx.Var[str]
    personal: rx.Var[str]
    sign_in: rx.Var[str]


class HumanCheck(rx.Component):
    """Cloudflare Turnstile, for inside a form over HTTP."""

    library = _LIBRARY
    tag = "HumanCheck"
    site_key: rx.Var[str]


class CodeSender(rx.Component):
    """A button that mails a code to the address in the form's field ``email``."""

    library = _LIBRARY
    tag = "CodeSender"


class Invitation(rx.Component):
    """The invitation code this browser came with, as a field of the form."""

    library = _LIBRARY
    tag = "Invitation"
    name: rx.Var[str]
    hidden: rx.Var[bool]
    label: rx.Var[str]


def mark(provider: str) -> rx.Component:
    """The provider's sign, in the colour of the text."""
    if provider == "github":
        path = rx.el.svg.path(d=_GITHUB_MARK, fill="currentColor")
        return rx.el.svg(path, view_box="0 0 16 16", width="16", height="16", aria_hidden=True)
    return rx.icon(_ICONS[provider], size=16)


def human_check() -> rx.Component:
    """Nothing while the operator has it off."""
    key = client.site("turnstile_site_key")
    return rx.cond(key != "", HumanCheck.create(site_key=key))


def email_and_code(code_name: str = "verification_code") -> rx.Component:
    """An address, and the code that shows it is one's own."""
    code = text_input(
        name=code_name,
        required=True,
        max_length=16,
        auto_complete="one-time-code",
        auto_capitalize="none",
        spell_check=False,
    )
    return rx.fragment(
        field(
            t("sign_up.email"),
            text_input(name="email", type="email", required=True, max_length=50, auto_complete="email"),
        ),
        rx.el.div(field(t("sign_up.code"), code), CodeSender.create(), class_name="with-sender"),
    )


def third_parties(next_page: str, *, beside: Any) -> rx.Component:
    """A button for each that is switched on; nothing where none is. ``beside``: whether a form stands above."""
    buttons = [_button(name, next_page) for name in ("github", "oidc", "lark")]
    any_of_them = client.site("github") | client.site("oidc") | client.site("lark") | client.site("wechat")
    return rx.cond(
        any_of_them,
        rx.el.div(
            rx.cond(beside, rx.el.div(t("third_party.or"), class_name="or")),
            *buttons,
            rx.cond(client.site("wechat"), _wechat(next_page)),
            class_name="third-parties",
        ),
    )


def wechat_dialog(trigger: rx.Component, *, action: Any, next_page: Any, submit: Any) -> rx.Component:
    """Follow the site's account, send it a word, enter the code it answers with."""
    return rx.dialog.root(
        rx.dialog.trigger(trigger),
        rx.dialog.content(
            rx.el.div(
                rx.el.div(rx.dialog.title(t("third_party.wechat_title"), size="3")),
                rx.dialog.close(icon_button("x", t("shell.close"))),
                class_name="dialog-head",
            ),
            client.HttpForm.create(
                rx.el.div(
                    rx.cond(
                        client.site("wechat_qrcode") != "",
                        rx.el.img(
                            src=client.site("wechat_qrcode"),
                            alt=t("third_party.wechat_qrcode"),
                            class_name="qr-code",
                        ),
                    ),
                    rx.el.p(t("third_party.wechat_text"), class_name="muted"),
                    field(
                        t("sign_up.code"),
                        text_input(
                            name="code",
                            required=True,
                            max_length=64,
                            auto_complete="one-time-code",
                            auto_focus=True,
                        ),
                    ),
                    Invitation.create(name="aff", hidden=True),
                    class_name="dialog-body",
                ),
                rx.el.div(
                    rx.el.button(submit, type="submit", class_name="button primary"), class_name="dialog-foot"
                ),
                action=action,
                method="GET",
                next=next_page,
            ),
            class_name="dialog narrow",
            custom_attrs={"aria-describedby": "undefined"},
        ),
    )


def _button(provider: str, next_page: str) -> rx.Component:
    return rx.cond(
        client.site(provider),
        ThirdPartyButton.create(
            mark(provider),
            _with(provider),
            provider=provider,
            name=NAMES[provider],
            next=next_page,
            class_name="button wide",
        ),
    )


def _wechat(next_page: str) -> rx.Component:
    trigger = rx.el.button(mark("wechat"), _with("wechat"), type="button", class_name="button wide")
    return wechat_dialog(trigger, action="/api/oauth/wechat", next_page=next_page, submit=t("shell.sign_in"))


def _with(provider: str) -> rx.Component:
    return rx.el.span(t(f"third_party.with_{provider}"))
