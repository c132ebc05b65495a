"""A forgotten password: asking for the mail, and the page its link leads to."""

import reflex as rx

from oneapi_app.console import client, routes
from oneapi_app.console.components import button, callout, field, link_button, text_input
from oneapi_app.console.entering import human_check
from oneapi_app.console.i18n import t
from oneapi_app.console.page import PUBLIC, page
from oneapi_app.console.pages.entrance.frame import crossing, entrance


@page(routes.RESET, title="recovery.title", guard=PUBLIC, bare=True)
def forgotten_page() -> rx.Component:
    return entrance(
        rx.el.h1(t("recovery.title")),
        rx.cond(
            client.site("mail"),
            rx.fragment(
                rx.el.p(t("recovery.lead"), class_name="entrance-lead"),
                client.SentForm.create(
                    field(
                        t("sign_up.email"),
                        text_input(
                            name="email",
                            type="email",
                            required=True,
                            max_length=50,
                            auto_complete="email",
                            auto_focus=True,
                        ),
                    ),
                    human_check(),
                    button(t("recovery.send"), kind="primary wide", type="submit"),
                    action="/api/reset_password",
                    method="GET",
                    sent=t("recovery.sent"),
                    class_name="entrance-form",
                ),
            ),
            callout(t("recovery.no_mail"), tone="info", icon="info"),
        ),
        crossing(t("recovery.remembered"), t("shell.sign_in"), routes.SIGN_IN),
    )


@page(routes.RESET_LINK, title="recovery.new_password", guard=PUBLIC, bare=True)
def link_page() -> rx.Component:
    return entrance(
        rx.el.h1(t("recovery.new_password")),
        rx.el.p(t("recovery.link_lead"), class_name="entrance-lead"),
        client.NewPasswordForm.create(
            rx.el.p(t("recovery.shown_once"), class_name="muted"),
            link_button(t("shell.sign_in"), routes.SIGN_IN, kind="primary wide"),
            label=t("recovery.make"),
            email_label=t("sign_up.email"),
            copy_label=t("shell.copy"),
            class_name="entrance-form",
        ),
    )
