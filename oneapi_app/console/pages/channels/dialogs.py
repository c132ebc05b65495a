"""Smaller dialogs: testing one channel, setting values of several."""

from typing import Any

import reflex as rx

from oneapi_app.console.components import (
    button,
    dialog,
    duration,
    field,
    form_dialog,
    form_error,
    select,
    text_input,
)
from oneapi_app.console.i18n import t
from oneapi_app.console.pages.channels.state import ChannelsState
from oneapi_app.console.pages.channels.trial import TrialState

_Table: Any = ChannelsState
_Trial: Any = TrialState


def outcome_box(outcome: Any) -> rx.Component:
    """How a test went: the model's answer, or what the vendor said."""
    running = rx.el.div(
        rx.el.span(class_name="spinner"), rx.el.span(t("channels.asking")), class_name="outcome"
    )
    good = rx.el.div(
        rx.icon("circle-check", size=16),
        rx.el.div(
            rx.el.div(t("channels.answered"), " ", duration(outcome.elapsed_ms), rx.el.small(outcome.model)),
            rx.cond(outcome.message != "", rx.el.pre(outcome.message)),
        ),
        class_name="outcome",
        custom_attrs={"data-tone": "good"},
    )
    bad = rx.el.div(
        rx.icon("circle-x", size=16),
        rx.el.div(
            rx.el.div(
                rx.cond(
                    outcome.status > 0,
                    t("channels.refused", status=outcome.status),
                    t("channels.not_reached"),
                ),
                rx.el.small(outcome.model),
            ),
            rx.el.pre(outcome.message),
        ),
        class_name="outcome",
        custom_attrs={"data-tone": "bad"},
        role="alert",
    )
    return rx.fragment(
        rx.match(outcome.state, ("running", running), ("good", good), ("bad", bad), rx.fragment())
    )


def trial_dialog() -> rx.Component:
    return dialog(
        _Trial.channel_id > 0,
        _Trial.close,
        t("channels.test_title", name=_Trial.name),
        field(
            t("channels.model"),
            select(
                _Trial.models.foreach(lambda name: [name, name]).to(list[list[str]]),
                value=_Trial.model,
                on_change=_Trial.choose,
            ),
        ),
        outcome_box(_Trial.outcome),
        actions=(
            button(
                t("channels.test_again"),
                icon="flask-conical",
                kind="primary",
                loading=_Trial.outcome.state == "running",
                on_click=_Trial.run,
            ),
        ),
    )


def adjust_dialog() -> rx.Component:
    return form_dialog(
        _Table.adjusting,
        _Table.show_adjust,
        t("channels.adjust_title", count=_Table.selected.length()),
        form_error(_Table.error),
        field(
            t("channels.groups"), text_input(name="group", placeholder=t("channels.unchanged"), max_length=32)
        ),
        rx.el.div(
            field(
                t("channels.priority"),
                text_input(name="priority", input_mode="numeric", placeholder=t("channels.unchanged")),
            ),
            field(
                t("channels.weight"),
                text_input(name="weight", input_mode="numeric", placeholder=t("channels.unchanged")),
            ),
            class_name="pair",
        ),
        on_submit=_Table.adjust_selected,
        submit_label=t("shell.save"),
        description=t("channels.adjust_text"),
    )
