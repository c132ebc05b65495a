"""The dashboard as it is drawn; its cards stand in ``cards``."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN, COMMON
from oneapi_app.console import client, routes
from oneapi_app.console.components import (
    card,
    columns,
    count,
    empty_state,
    link_button,
    money,
    page_header,
    segmented,
    skeleton,
    stack,
    stacked_bars,
    stat_row,
    stat_tile,
)
from oneapi_app.console.components.live import every
from oneapi_app.console.i18n import t
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.dashboard.cards import (
    attention_card,
    channel_strip,
    failures_card,
    pulse_tiles,
    ranking,
    recent_card,
)
from oneapi_app.console.pages.dashboard.first_steps import first_steps
from oneapi_app.console.pages.dashboard.state import DashboardState

_State: Any = DashboardState


@page(
    routes.DASHBOARD,
    title="dashboard.title",
    guard=COMMON,
    menu=MenuEntry("layout-dashboard", order=10),
    on_load=_State.enter,
)
def dashboard_page() -> rx.Component:
    is_admin = client.viewer("role") >= ADMIN
    return rx.fragment(
        every(_State.refresh_ms, _State.refresh),
        page_header(
            t("dashboard.title"),
            rx.cond(is_admin, _scope()),
            segmented(
                [(span, t(f"dashboard.span_{span}")) for span in ("day", "week", "month")],
                _State.span,
                _State.set_span,
                t("dashboard.span"),
            ),
        ),
        rx.cond(_State.loaded, _content(is_admin), _waiting()),
    )


def _scope() -> rx.Component:
    return segmented(
        [("own", t("dashboard.own")), ("site", t("dashboard.site"))],
        rx.cond(_State.whole_site, "site", "own"),
        _State.set_scope,
        t("dashboard.scope"),
    )


def _content(is_admin: Any) -> rx.Component:
    site = is_admin & _State.whole_site
    return stack(
        rx.cond(_State.setting_up, first_steps(is_admin)),
        _figures(),
        rx.cond(site, pulse_tiles()),
        rx.cond(is_admin & (_State.cells.length() > 0), channel_strip()),
        _chart(),
        rx.cond(
            site,
            columns(
                ranking(t("dashboard.top_users"), _State.users),
                ranking(t("dashboard.top_tokens"), _State.top_tokens),
                ranking(t("dashboard.top_channels"), _State.channels),
            ),
        ),
        columns(
            ranking(t("dashboard.top_models"), _State.models),
            rx.cond(site, failures_card(), attention_card()),
        ),
        recent_card(site),
    )


def _figures() -> rx.Component:
    state = _State
    return stat_row(
        stat_tile(
            t("shell.balance"),
            money(state.balance),
            rx.link(t("dashboard.top_up"), href=routes.TOP_UP),
            icon="wallet",
        ),
        stat_tile(
            t("dashboard.today"),
            money(state.today.value),
            _trend(state.today, t("dashboard.than_yesterday")),
            icon="sun",
        ),
        stat_tile(
            t("dashboard.week"),
            money(state.week.value),
            _trend(state.week, t("dashboard.than_before")),
            icon="calendar-days",
        ),
        stat_tile(
            t("dashboard.month"),
            money(state.month.value),
            _trend(state.month, t("dashboard.than_before")),
            icon="calendar",
        ),
        stat_tile(
            t("dashboard.requests"),
            count(state.requests.value),
            _trend(state.requests, t("dashboard.than_before")),
            icon="send",
        ),
        stat_tile(
            t("dashboard.tokens"),
            count(state.tokens.value),
            rx.el.span(
                count(state.prompt),
                " ",
                t("dashboard.in"),
                " · ",
                count(state.completion),
                " ",
                t("dashboard.out"),
                rx.cond(state.cached > 0, rx.el.span(" · ", count(state.cached), " ", t("dashboard.cached"))),
            ),
            icon="type",
        ),
    )


def _trend(trend: Any, compared: Any) -> rx.Component:
    up = trend.percent >= 0
    return rx.cond(
        trend.known,
        rx.el.span(
            rx.cond(up, rx.icon("arrow-up-right", size=12), rx.icon("arrow-down-right", size=12)),
            rx.el.b(abs(trend.percent), "%"),
            " ",
            compared,
            class_name="trend",
        ),
        rx.el.span(t("dashboard.nothing_before")),
    )


def _chart() -> rx.Component:
    state = _State
    unit = rx.match(state.metric, ("requests", "count"), ("tokens", "tokens"), "quota")
    return card(
        rx.cond(
            state.series.length() > 0,
            stacked_bars(state.bars, state.series, label=t("dashboard.by_model"), unit=unit, height=280),
            empty_state(
                "chart-column",
                t("dashboard.no_usage"),
                t("dashboard.no_usage_text"),
                link_button(t("dashboard.go_tokens"), routes.TOKENS, icon="key-round"),
            ),
        ),
        title=t("dashboard.by_model"),
        actions=(
            segmented(
                [(metric, t(f"dashboard.metric_{metric}")) for metric in ("spend", "requests", "tokens")],
                state.metric,
                state.set_metric,
                t("dashboard.metric"),
            ),
        ),
    )


def _waiting() -> rx.Component:
    return stack(skeleton("100%", "92px"), skeleton("100%", "340px"), skeleton("100%", "220px"))
