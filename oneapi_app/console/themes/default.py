"""default: navigation on top, light, green-teal."""

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.console import client
from oneapi_app.console.i18n import t
from oneapi_app.console.shell.parts import account_corner, brand, nav_links, tools
from oneapi_app.console.themes.look import Look


def navigation() -> rx.Component:
    return rx.el.header(
        rx.el.div(
            brand(),
            rx.el.nav(
                *nav_links("main"),
                rx.cond(client.viewer("role") >= ADMIN, rx.el.span(class_name="nav-rule")),
                *nav_links("admin"),
                *nav_links("account"),
                aria_label=t("shell.menu"),
                class_name="top-nav",
            ),
            rx.el.div(tools(), account_corner(), class_name="push"),
            class_name="top-inner",
        ),
        class_name="top-bar",
    )


LOOK = Look(name="default", order=0, accent="teal", gray="slate", radius="medium", navigation=navigation)
