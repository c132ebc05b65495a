"""Personal settings, a card for each matter."""

from typing import Any

import reflex as rx
from reflex.style import LiteralColorMode, color_mode, set_color_mode

from oneapi_app.actor import COMMON
from oneapi_app.console import client, routes
from oneapi_app.console.components import (
    button,
    callout,
    card,
    confirm_dialog,
    copy_button,
    field,
    form_dialog,
    form_error,
    page_header,
    password_input,
    skeleton,
    stack,
    tag,
    text_input,
    time_ago,
)
from oneapi_app.console.i18n import t
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.personal.methods import sign_in_methods
from oneapi_app.console.pages.personal.methods_state import MethodsState
from oneapi_app.console.pages.personal.state import PersonalState

_State: Any = PersonalState


@page(
    routes.PERSONAL,
    title="personal.title",
    guard=COMMON,
    menu=MenuEntry("user-round", order=10, section="account"),
    on_load=[_State.enter, MethodsState.open],
)
def personal_page() -> rx.Component:
    return rx.fragment(
        page_header(t("personal.title")),
        rx.cond(
            _State.loaded,
            rx.el.div(
                _profile(),
                _password(),
                sign_in_methods(),
                _appearance(),
                _sessions(),
                _access_token(),
                _leave(),
                class_name="matters",
            ),
            stack(skeleton("100%", "180px"), skeleton("100%", "180px")),
        ),
        confirm_dialog(
            _State.renewing,
            _State.ask_renew,
            title=t("personal.renew_title"),
            text=t("personal.renew_text"),
            confirm_label=t("personal.renew"),
            on_confirm=_State.renew_access_token,
        ),
        _delete_dialog(),
    )


def _profile() -> rx.Component:
    state = _State
    return card(
        rx.form(
            form_error(state.profile_error),
            field(
                t("shell.username"),
                text_input(
                    state.username,
                    name="username",
                    max_length=12,
                    required=True,
                    auto_complete="username",
                    key=state.username,
                ),
            ),
            field(
                t("personal.display_name"),
                text_input(state.display_name, name="display_name", max_length=20, key=state.display_name),
            ),
            rx.el.p(
                tag(state.group),
                class_name="muted",
            ),
            rx.el.div(button(t("shell.save"), kind="primary", type="submit"), class_name="form-actions"),
            on_submit=state.save_profile,
            reset_on_submit=False,
            class_name="form-stack",
        ),
        title=t("personal.profile"),
    )


def _password() -> rx.Component:
    def control(name: str) -> rx.Component:
        return password_input(
            name=name, auto_complete="new-password", required=True, min_length=8, max_length=20
        )

    return card(
        rx.form(
            form_error(_State.password_error),
            field(t("personal.new_password"), control("password"), help=t("personal.password_help")),
            field(t("personal.repeat_password"), control("again")),
            rx.el.div(button(t("personal.change_password"), type="submit"), class_name="form-actions"),
            on_submit=_State.save_password,
            reset_on_submit=False,
            class_name="form-stack",
            key=_State.password_round,
        ),
        title=t("personal.password"),
    )


def _appearance() -> rx.Component:
    modes: tuple[tuple[LiteralColorMode, str], ...] = (
        ("light", "shell.light"),
        ("dark", "shell.dark"),
        ("system", "shell.system"),
    )
    return card(
        _choice(
            t("personal.language"),
            _chip("简体中文", client.locale() == "zh", client.set_locale("zh")),
            _chip("English", client.locale() == "en", client.set_locale("en")),
        ),
        _choice(
            t("shell.mode"),
            *(_chip(t(text), color_mode == mode, set_color_mode(mode)) for mode, text in modes),
        ),
        rx.el.p(t("personal.appearance_help"), class_name="faint"),
        title=t("personal.appearance"),
        class_name="form-stack",
    )


def _choice(label: Any, *chips: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.span(label, class_name="field-label"),
        rx.el.div(*chips, class_name="chip-row"),
        class_name="field",
    )


def _chip(text: Any, chosen: Any, on_click: Any) -> rx.Component:
    return rx.el.button(text, type="button", class_name="chip", aria_pressed=chosen, on_click=on_click)


def _sessions() -> rx.Component:
    return card(
        rx.el.ul(
            rx.foreach(
                _State.sessions,
                lambda row: rx.el.li(
                    rx.el.span(
                        rx.el.span(row.device, class_name="strong"),
                        rx.el.span(row.address, class_name="faint"),
                        class_name="session-what",
                    ),
                    rx.cond(
                        row.current,
                        tag(t("personal.this_one"), "good"),
                        rx.el.span(time_ago(row.seen), class_name="muted"),
                    ),
                ),
            ),
            class_name="notes",
        ),
        title=t("personal.sessions"),
        actions=(
            rx.cond(
                _State.sessions.length() > 1,
                button(t("personal.end_others"), on_click=_State.end_other_sessions),
            ),
        ),
    )


def _access_token() -> rx.Component:
    token = _State.access_token
    return card(
        rx.el.p(t("personal.access_token_text"), class_name="muted"),
        rx.cond(
            token != "",
            rx.fragment(
                callout(t("personal.shown_once"), tone="warn", icon="eye"),
                rx.el.div(rx.el.code(token), copy_button(token), class_name="copy-box"),
            ),
        ),
        rx.el.div(
            button(t("personal.renew"), icon="key-round", on_click=_State.ask_renew(True)),
            class_name="form-actions",
        ),
        title=t("personal.access_token"),
        class_name="form-stack",
    )


def _leave() -> rx.Component:
    return rx.cond(
        _State.is_root,
        rx.fragment(),
        card(
            rx.el.p(t("personal.delete_text"), class_name="muted"),
            rx.el.div(
                button(t("personal.delete"), kind="danger", on_click=_State.ask_delete(True)),
                class_name="form-actions",
            ),
            title=t("personal.leave"),
            class_name="form-stack",
        ),
    )


def _delete_dialog() -> rx.Component:
    return form_dialog(
        _State.deleting,
        _State.ask_delete,
        t("personal.delete_title"),
        form_error(_State.delete_error),
        rx.el.p(t("personal.delete_text"), class_name="muted"),
        field(
            t("personal.type_name", name=_State.username),
            text_input(name="confirmation", required=True, auto_complete="off", auto_focus=True),
        ),
        on_submit=_State.delete_account,
        submit_label=t("personal.delete"),
    )
