"""One row opened, and the clean-up."""

from typing import Any

import reflex as rx

from oneapi_app.console.components import (
    button,
    callout,
    copy_button,
    count,
    date_time,
    dialog,
    drawer,
    duration,
    facts,
    field,
    money,
    status_badge,
    tag,
)
from oneapi_app.console.components.live import moment_input
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.pages.logs.state import LogsState

_State: Any = LogsState


def detail_drawer(is_admin: Any) -> rx.Component:
    """How the cost came about, who counted the tokens, which channels were tried."""
    row = _State.opened.row
    return drawer(
        _State.drawer_open,
        _State.show_drawer,
        rx.cond(row.model != "", row.model, t_dynamic("logs", "kind_" + row.kind.to(str))),
        rx.cond(row.said != "", rx.el.p(row.said, class_name="quote")),
        facts(
            (t("shell.time"), date_time(row.at)),
            (
                t("logs.request_id"),
                rx.el.span(rx.el.code(row.request_id), copy_button(row.request_id), class_name="secret"),
            ),
        ),
        rx.cond(row.kind == "consume", _consumption(is_admin)),
        rx.cond(
            (row.kind == "test") & is_admin,
            facts((t("logs.channel"), _channel(row)), (t("logs.duration"), duration(row.elapsed_ms))),
        ),
    )


def _consumption(is_admin: Any) -> rx.Component:
    opened = _State.opened
    row = opened.row
    return rx.fragment(
        _section(
            t("logs.cost_section"),
            facts(
                (
                    t("logs.charged"),
                    rx.el.span(
                        money(row.cost, 6),
                        rx.el.span(" · ", t("shell.raw_quota", units=row.cost), class_name="faint"),
                    ),
                ),
                (
                    t("logs.prompt"),
                    rx.el.span(
                        count(row.prompt),
                        rx.cond(
                            row.cached > 0,
                            rx.el.span(" · ", t("logs.of_them_cached", count=row.cached), class_name="faint"),
                        ),
                    ),
                ),
                (t("logs.completion"), count(row.completion)),
                (t("logs.ratios"), rx.cond(opened.ratios != "", rx.el.code(opened.ratios), "–")),
                (
                    t("logs.counted_by"),
                    rx.cond(
                        opened.count_source != "",
                        t_dynamic("logs", "source_" + opened.count_source.to(str)),
                        "–",
                    ),
                ),
            ),
            rx.cond(opened.formula != "", rx.el.code(opened.formula, class_name="formula")),
            rx.cond(opened.unpriced, callout(t("logs.unpriced"), tone="warn", icon="triangle-alert")),
            rx.cond(
                opened.uncollected > 0,
                callout(t("logs.uncollected", units=opened.uncollected), tone="warn", icon="triangle-alert"),
            ),
        ),
        _section(
            t("logs.course_section"),
            facts(
                (t("logs.duration"), duration(row.elapsed_ms)),
                (
                    t("logs.first_token_label"),
                    rx.cond(row.first_token_ms > 0, duration(row.first_token_ms), "–"),
                ),
                (
                    t("logs.speed"),
                    rx.cond(
                        opened.tokens_per_second > 0,
                        t("logs.tokens_per_second", count=opened.tokens_per_second),
                        "–",
                    ),
                ),
                (t("logs.mode"), rx.cond(row.streamed, t("logs.streamed"), t("logs.whole"))),
                (t("logs.token"), _link(row.token, "token")),
                (t("logs.ending"), _ending(opened)),
            ),
            rx.cond(opened.prompt_replaced, callout(t("logs.prompt_replaced"))),
        ),
        rx.cond(
            is_admin,
            _section(
                t("logs.attempts"),
                facts((t("logs.user"), _link(row.user, "user")), (t("logs.channel"), _channel(row))),
                rx.el.ol(rx.foreach(opened.attempts, _attempt), class_name="attempts"),
            ),
        ),
    )


def _section(title: Any, *children: rx.Component) -> rx.Component:
    return rx.el.section(rx.el.h3(title), *children, class_name="drawer-section")


def _ending(opened: Any) -> rx.Component:
    fine = opened.ending == "complete"
    return rx.cond(
        opened.ending == "",
        rx.el.span("–"),
        status_badge(
            rx.cond(fine, "good", "warn"),
            rx.cond(fine, t("logs.complete"), rx.cond(opened.problem != "", opened.problem, opened.ending)),
        ),
    )


def _link(value: Any, name: str) -> rx.Component:
    return rx.el.button(
        value,
        type="button",
        class_name="text-link",
        title=t("logs.only_these"),
        on_click=_State.only(name, value),
    )


def _channel(row: Any) -> rx.Component:
    return rx.el.button(
        "#",
        row.channel,
        " ",
        row.channel_name,
        type="button",
        class_name="text-link",
        title=t("logs.only_these"),
        on_click=_State.only("channel", row.channel.to(str)),
    )


def _attempt(note: Any) -> rx.Component:
    fine = note.status == 200
    return rx.el.li(
        status_badge(rx.cond(fine, "good", "bad"), note.channel),
        rx.el.span(
            rx.cond(fine, tag(note.status, "good"), tag(note.status, "bad")),
            rx.cond(note.kind != "", rx.el.span(note.kind, class_name="faint")),
        ),
        duration(note.duration_ms),
    )


def clean_up_dialog() -> rx.Component:
    return dialog(
        _State.cleaning_open,
        _State.show_clean_up,
        t("logs.clean_up"),
        field(
            t("logs.clean_before"),
            moment_input(_State.clean_before, label=t("logs.clean_before"), on_pick=_State.pick_clean_before),
            help=t("logs.clean_help"),
        ),
        rx.cond(
            _State.clean_count >= 0,
            callout(
                t("logs.clean_count", count=_State.clean_count),
                tone=rx.cond(_State.clean_count > 0, "warn", "info"),
            ),
        ),
        actions=(
            rx.dialog.close(button(t("shell.cancel"))),
            button(
                t("logs.clean_confirm", count=_State.clean_count),
                kind="danger",
                on_click=_State.clean_up,
                loading=_State.cleaning,
                disabled=(_State.clean_count <= 0) | _State.cleaning,
            ),
        ),
    )
