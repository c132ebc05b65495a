"""What the pages of coming in have around them: the brand, the switches of language and appearance, a narrow card."""

from typing import Any

import reflex as rx

from oneapi_app.console.shell.parts import brand, language_switch, mode_switch


def entrance(*children: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.header(brand(), rx.el.div(language_switch(), mode_switch(), class_name="push tools")),
        rx.el.main(rx.el.div(*children, class_name="entrance-card")),
        class_name="entrance",
    )


def crossing(question: Any, answer: Any, href: str) -> rx.Component:
    """The line under a form that leads to another: "No account yet? Sign up"."""
    return rx.el.p(question, " ", rx.link(answer, href=href), class_name="crossing")
