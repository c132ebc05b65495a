"""The first steps: from nothing to the first answer, each step ticking itself."""

from typing import Any

import reflex as rx

from oneapi_app.console import routes
from oneapi_app.console.components import button, card, code_block, link_button, segmented
from oneapi_app.console.i18n import t
from oneapi_app.console.pages.dashboard.state import DashboardState

_State: Any = DashboardState


def first_steps(is_admin: Any) -> rx.Component:
    state = _State
    return card(
        rx.el.ol(
            rx.cond(
                is_admin,
                rx.fragment(
                    _step(True, t("dashboard.step_password")),
                    _step(
                        state.has_channel,
                        t("dashboard.step_channel"),
                        link_button(t("dashboard.go_channels"), routes.CHANNELS, icon="plus"),
                    ),
                    _step(
                        state.has_tested,
                        t("dashboard.step_test"),
                        link_button(t("dashboard.go_channels"), routes.CHANNELS, icon="flask-conical"),
                    ),
                ),
            ),
            _step(
                state.has_token,
                t("dashboard.step_token"),
                link_button(t("dashboard.go_tokens"), routes.TOKENS, icon="key-round"),
            ),
            _step(state.has_request, t("dashboard.step_request")),
            class_name="steps",
        ),
        rx.cond(state.has_token & ~state.has_request, _try_it()),
        title=t("dashboard.first_steps"),
        actions=(button(t("dashboard.hide"), kind="quiet", on_click=state.hide_steps),),
    )


def _step(done: Any, text: Any, action: rx.Component | None = None) -> rx.Component:
    mark = rx.cond(
        done,
        rx.icon("circle-check", size=17, class_name="done"),
        rx.icon("circle", size=17, class_name="faint"),
    )
    return rx.el.li(
        mark,
        rx.el.span(text),
        *([] if action is None else [rx.cond(done, rx.fragment(), action)]),
        custom_attrs={"data-done": done},
    )


def _try_it() -> rx.Component:
    state = _State
    return rx.el.div(
        segmented(
            [("curl", "curl"), ("python", "Python")],
            state.language,
            state.set_language,
            t("dashboard.step_request"),
        ),
        code_block(rx.cond(state.language == "python", state.snippets.python, state.snippets.curl)),
        rx.el.p(rx.el.span(class_name="spinner"), t("dashboard.waiting"), class_name="waiting-line"),
        class_name="stack snippet-part",
    )
