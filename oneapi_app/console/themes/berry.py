"""berry: a side bar on the left, cards with soft shadows, purple-blue."""

import reflex as rx

from oneapi_app.console import client
from oneapi_app.console.components.values import money, tag
from oneapi_app.console.i18n import t
from oneapi_app.console.shell.parts import account_corner, brand, nav_groups, signed_in, tools
from oneapi_app.console.themes.look import Look


def navigation() -> rx.Component:
    return rx.el.aside(
        rx.el.div(brand(), class_name="side-head"),
        nav_groups(),
        rx.el.div(
            rx.cond(
                signed_in(),
                rx.el.div(
                    rx.el.span(t("shell.balance")),
                    rx.el.b(money(client.viewer("quota"))),
                    tag(client.viewer("group")),
                    class_name="side-balance",
                ),
            ),
            account_corner(),
            tools(),
            class_name="side-foot",
        ),
        class_name="side-bar",
    )


LOOK = Look(name="berry", order=1, accent="iris", gray="slate", radius="large", navigation=navigation)
