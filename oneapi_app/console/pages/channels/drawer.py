"""The drawer of one channel."""

from typing import Any

import reflex as rx

from oneapi_app.console.components import (
    button,
    date_time,
    drawer,
    duration,
    facts,
    money,
    stacked_bars,
    status_badge,
    tag,
    time_ago,
)
from oneapi_app.console.i18n import localized, t, t_dynamic
from oneapi_app.console.pages.channels.detail import ChannelDetailState
from oneapi_app.console.pages.channels.form_state import ChannelFormState
from oneapi_app.console.pages.channels.trial import TrialState

_Detail: Any = ChannelDetailState
_Form: Any = ChannelFormState
_Trial: Any = TrialState


def detail_drawer() -> rx.Component:
    state = _Detail
    view = state.view
    tone = rx.match(view.state, ("enabled", "good"), ("resting", "warn"), ("automatic", "bad"), "quiet")
    return drawer(
        state.shown,
        state.show,
        view.name,
        facts(
            (
                t("shell.status"),
                rx.el.span(
                    rx.el.span(
                        status_badge(tone, t_dynamic("channels", "state_" + view.state.to(str))),
                        rx.cond(view.since > 0, rx.el.small(time_ago(view.since), class_name="faint")),
                        class_name="with-mark",
                    ),
                    rx.cond(view.reason != "", rx.el.div(view.reason, class_name="bad-words")),
                ),
            ),
            (t("channels.type"), localized(view.title)),
            (t("channels.base_url"), rx.el.code(state.base_url)),
            (t("channels.groups"), rx.el.span(rx.foreach(view.groups, tag), class_name="tags")),
            (t("channels.routing"), t("channels.routing_value", priority=view.priority, weight=view.weight)),
            (t("channels.used"), money(view.used)),
            (t("channels.balance"), rx.cond(view.balance != "", view.balance, "–")),
            (t("shell.created"), date_time(state.created)),
        ),
        _section(t("channels.usage_week"), _usage()),
        _section(t("channels.last_tests"), _tests()),
        _section(t("channels.last_errors"), _failures()),
        _section(
            t("channels.models_count", count=state.models.length()),
            rx.el.div(rx.foreach(state.models, tag), class_name="tags"),
        ),
        rx.cond(state.mapping.length() > 0, _section(t("channels.mapping"), _mapping())),
        rx.cond(
            state.system_prompt != "",
            _section(t("channels.system_prompt"), rx.el.pre(state.system_prompt, class_name="quote")),
        ),
        actions=(
            button(t("channels.test"), icon="flask-conical", on_click=_Trial.open(view.id)),
            button(
                t("shell.edit"),
                icon="pencil",
                kind="primary",
                on_click=[state.show(False), _Form.start_edit(view.id)],
            ),
        ),
    )


def _section(title: Any, *children: Any) -> rx.Component:
    return rx.el.section(rx.el.h3(title), *children, class_name="drawer-part")


def _usage() -> rx.Component:
    state = _Detail
    return rx.cond(
        state.series.length() > 0,
        stacked_bars(state.bars, state.series, label=t("channels.usage_week"), unit="quota", height=180),
        rx.el.p(t("channels.unused"), class_name="faint"),
    )


def _tests() -> rx.Component:
    def line(test: Any) -> rx.Component:
        return rx.el.li(
            rx.el.span(class_name="dot", custom_attrs={"data-tone": rx.cond(test.ok, "good", "bad")}),
            rx.el.span(test.model, class_name="strong"),
            duration(test.elapsed_ms),
            rx.el.span(time_ago(test.at), class_name="faint push"),
            rx.cond(test.message != "", rx.el.p(test.message)),
        )

    return _lines(_Detail.tests, line, "channels.untested")


def _failures() -> rx.Component:
    def line(failure: Any) -> rx.Component:
        return rx.el.li(
            rx.el.span(failure.status, class_name="strong num"),
            rx.el.span(failure.model, class_name="muted"),
            rx.el.span(time_ago(failure.at), class_name="faint push"),
            rx.cond(failure.message != "", rx.el.p(failure.message)),
        )

    kinds = rx.el.div(
        rx.foreach(
            _Detail.kinds,
            lambda kind: tag(rx.fragment(kind.kind, " × ", kind.count), "bad"),
        ),
        class_name="tags",
    )
    return rx.fragment(
        rx.cond(_Detail.kinds.length() > 0, kinds),
        _lines(_Detail.failures, line, "channels.no_errors"),
    )


def _lines(items: Any, line: Any, none: str) -> rx.Component:
    return rx.cond(
        items.length() > 0,
        rx.el.ul(rx.foreach(items, line), class_name="lines"),
        rx.el.p(t(none), class_name="faint"),
    )


def _mapping() -> rx.Component:
    return rx.el.ul(
        rx.foreach(
            _Detail.mapping,
            lambda pair: rx.el.li(rx.el.code(pair[0]), rx.icon("arrow-right", size=13), rx.el.code(pair[1])),
        ),
        class_name="lines",
    )
