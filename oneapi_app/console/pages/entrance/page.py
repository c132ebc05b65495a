"""Sign-in and the forced new password. Both go over HTTP, for only HTTP can set the session cookie."""

import reflex as rx

from oneapi_app.actor import COMMON
from oneapi_app.console import client, routes
from oneapi_app.console.components import button, callout, field, password_input
from oneapi_app.console.entering import third_parties
from oneapi_app.console.i18n import t
from oneapi_app.console.page import PUBLIC, page
from oneapi_app.console.pages.entrance.frame import crossing, entrance
from oneapi_app.console.pages.entrance.state import EntranceState


@page(routes.SIGN_IN, title="sign_in.title", guard=PUBLIC, bare=True, on_load=EntranceState.open)
def sign_in_page() -> rx.Component:
    return entrance(
        rx.el.h1(t("sign_in.heading", name=client.site("name"))),
        rx.cond(EntranceState.expired, callout(t("sign_in.expired"), tone="warn", icon="clock")),
        rx.cond(EntranceState.registered, callout(t("sign_in.registered"), tone="good", icon="circle-check")),
        rx.cond(client.site("password_login"), _password_form()),
        third_parties(routes.DASHBOARD, beside=client.site("password_login")),
        rx.cond(
            client.site("registration"), crossing(t("sign_up.none_yet"), t("sign_up.title"), routes.REGISTER)
        ),
    )


def _password_form() -> rx.Component:
    return client.HttpForm.create(
        field(
            t("sign_in.account"),
            rx.el.input(
                name="username",
                class_name="input",
                auto_complete="username",
                auto_focus=True,
                auto_capitalize="none",
                spell_check=False,
                required=True,
                max_length=254,
            ),
        ),
        field(
            t("sign_in.password"),
            password_input(name="password", auto_complete="current-password", required=True, max_length=256),
        ),
        button(t("shell.sign_in"), kind="primary wide", type="submit"),
        rx.cond(
            client.site("mail"), rx.link(t("recovery.forgotten"), href=routes.RESET, class_name="forgotten")
        ),
        action="/api/user/login",
        next=routes.DASHBOARD,
        class_name="entrance-form",
    )


@page(
    routes.CHANGE_PASSWORD,
    title="sign_in.new_password",
    guard=PUBLIC,
    bare=True,
    on_load=EntranceState.open_password,
)
def change_password_page() -> rx.Component:
    return entrance(
        rx.el.h1(t("sign_in.new_password")),
        rx.el.p(t("sign_in.initial_password"), class_name="entrance-lead"),
        rx.cond(
            client.viewer("role") >= COMMON,
            client.HttpForm.create(
                _new_password("password", "sign_in.password_new"),
                _new_password("repeated", "sign_in.password_again"),
                button(t("sign_in.set_password"), kind="primary wide", type="submit"),
                action="/api/user/self",
                method="PUT",
                same=["password", "repeated"],
                next=routes.DASHBOARD,
                class_name="entrance-form",
            ),
        ),
        button(t("shell.sign_out"), kind="quiet", on_click=client.sign_out()),
    )


def _new_password(name: str, label: str) -> rx.Component:
    # 8 to 20 characters: the original's rule, which its stored accounts and clients share.
    control = password_input(
        name=name,
        auto_complete="new-password",
        required=True,
        min_length=8,
        max_length=20,
        auto_focus=name == "password",
    )
    return field(t(label), control, help=t("sign_in.password_rule") if name == "password" else None)
