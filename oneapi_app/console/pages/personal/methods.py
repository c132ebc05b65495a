"""The card of what one can sign in with besides the password."""

from typing import Any

import reflex as rx

from oneapi_app.console import client, entering, routes
from oneapi_app.console.components import button, card, confirm_dialog, icon_button
from oneapi_app.console.i18n import t
from oneapi_app.console.pages.personal.methods_state import MethodsState

_State: Any = MethodsState


def sign_in_methods() -> rx.Component:
    """Nothing where nothing is bound and the operator has switched nothing on."""
    possible = client.site("mail")
    for name in entering.NAMES:
        possible = possible | client.site(name)
    return rx.cond(
        possible | _State.has_some,
        card(
            rx.el.p(t("personal.sign_in_methods_text"), class_name="muted"),
            rx.el.ul(_email(), *(_provider(name) for name in entering.NAMES), class_name="notes methods"),
            _unbinding(),
            title=t("personal.sign_in_methods"),
            class_name="form-stack",
        ),
    )


def _row(icon: rx.Component, name: Any, value: Any, *actions: rx.Component) -> rx.Component:
    return rx.el.li(
        rx.el.span(icon, rx.el.span(name, class_name="strong"), class_name="with-mark"),
        rx.el.span(value, class_name="method-value"),
        rx.el.span(*actions, class_name="row-actions"),
    )


def _email() -> rx.Component:
    has_one = _State.email != ""
    return rx.cond(
        has_one | client.site("mail"),
        _row(
            rx.icon("mail", size=16),
            t("sign_up.email"),
            rx.cond(has_one, _State.email, _unbound()),
            rx.cond(client.site("mail"), _email_dialog(has_one)),
        ),
    )


def _email_dialog(has_one: Any) -> rx.Component:
    return rx.dialog.root(
        rx.dialog.trigger(button(rx.cond(has_one, t("personal.change"), t("personal.bind")))),
        rx.dialog.content(
            rx.el.div(
                rx.el.div(rx.dialog.title(t("personal.email_title"), size="3")),
                rx.dialog.close(icon_button("x", t("shell.close"))),
                class_name="dialog-head",
            ),
            client.HttpForm.create(
                rx.el.div(entering.email_and_code("code"), entering.human_check(), class_name="dialog-body"),
                rx.el.div(
                    button(t("personal.confirm_email"), kind="primary", type="submit"),
                    class_name="dialog-foot",
                ),
                action="/api/oauth/email/bind",
                method="GET",
                next=f"{routes.PERSONAL}?bound=email",
            ),
            class_name="dialog narrow",
            custom_attrs={"aria-describedby": "undefined"},
        ),
    )


def _provider(name: str) -> rx.Component:
    bound = _State.bound[name]
    value = _State.github_login if name == "github" else t("personal.bound_here")
    return rx.cond(
        bound | client.site(name),
        _row(
            entering.mark(name),
            entering.NAMES[name],
            rx.cond(bound, value, _unbound()),
            rx.cond(client.site(name), _binding(name, bound)),
            rx.cond(bound, button(t("personal.unbind"), kind="quiet", on_click=_State.ask_unbind(name))),
        ),
    )


def _binding(name: str, bound: Any) -> rx.Component:
    label = rx.cond(bound, t("personal.replace"), t("personal.bind"))
    if name == "wechat":
        return entering.wechat_dialog(
            button(label),
            action="/api/oauth/wechat/bind",
            next_page=f"{routes.PERSONAL}?bound=wechat",
            submit=t("personal.bind"),
        )
    return entering.ThirdPartyButton.create(
        rx.el.span(label), provider=name, name=entering.NAMES[name], class_name="button"
    )


def _unbound() -> rx.Component:
    return rx.el.span(t("personal.not_bound"), class_name="faint")


def _unbinding() -> rx.Component:
    doomed = rx.match(_State.doomed, *entering.NAMES.items(), "")
    return confirm_dialog(
        _State.doomed != "",
        _State.keep,
        title=t("personal.unbind_title", name=doomed),
        text=t("personal.unbind_text"),
        confirm_label=t("personal.unbind"),
        on_confirm=_State.unbind,
    )
