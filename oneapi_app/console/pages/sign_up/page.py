"""Sign-up: with a password, or with a third party. What the operator has switched off is not drawn."""

import reflex as rx

from oneapi_app.console import client, routes
from oneapi_app.console.components import button, callout, field, password_input, text_input
from oneapi_app.console.entering import Invitation, email_and_code, human_check, third_parties
from oneapi_app.console.i18n import t
from oneapi_app.console.page import PUBLIC, page
from oneapi_app.console.pages.entrance.frame import crossing, entrance
from oneapi_app.console.pages.entrance.state import EntranceState


@page(routes.REGISTER, title="sign_up.title", guard=PUBLIC, bare=True, on_load=EntranceState.open)
def sign_up_page() -> rx.Component:
    return entrance(
        rx.el.h1(t("sign_up.heading", name=client.site("name"))),
        rx.cond(
            client.site("registration"),
            rx.fragment(
                rx.cond(client.site("password_registration"), _form()),
                third_parties(routes.DASHBOARD, beside=client.site("password_registration")),
            ),
            callout(t("sign_up.off"), tone="info", icon="info"),
        ),
        crossing(t("sign_up.have_one"), t("shell.sign_in"), routes.SIGN_IN),
    )


def _form() -> rx.Component:
    return client.SignUpForm.create(
        field(
            t("shell.username"),
            text_input(
                name="username",
                required=True,
                max_length=12,
                auto_complete="username",
                auto_capitalize="none",
                auto_focus=True,
                spell_check=False,
            ),
            help=t("sign_up.username_rule"),
        ),
        field(t("sign_in.password"), _password("password"), help=t("sign_in.password_rule")),
        field(t("sign_up.password_again"), _password("repeated")),
        rx.cond(client.site("email_verification"), email_and_code()),
        field(
            t("sign_up.invitation"),
            Invitation.create(name="aff_code", label=t("sign_up.invitation")),
            optional=t("shell.optional"),
        ),
        human_check(),
        button(t("sign_up.submit"), kind="primary wide", type="submit"),
        same=["password", "repeated"],
        next=routes.DASHBOARD,
        class_name="entrance-form",
    )


def _password(name: str) -> rx.Component:
    return password_input(name=name, auto_complete="new-password", required=True, min_length=8, max_length=20)
