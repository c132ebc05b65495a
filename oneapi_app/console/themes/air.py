"""air: a slim bar of icons that opens when pointed at, compact, neutral."""

import reflex as rx

from oneapi_app.console.shell.parts import account_corner, brand, nav_groups, tools
from oneapi_app.console.themes.look import Look


def navigation() -> rx.Component:
    return rx.el.aside(
        rx.el.div(
            brand(),
            nav_groups(),
            rx.el.div(account_corner(), tools(), class_name="side-foot"),
            class_name="rail-inner",
        ),
        class_name="rail",
    )


LOOK = Look(name="air", order=2, accent="indigo", gray="gray", radius="medium", navigation=navigation)
