"""The log page: filters, sums, the table, and one row opened."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN, COMMON
from oneapi_app.console import client, routes
from oneapi_app.console.components import (
    Column,
    button,
    column_chooser,
    count,
    data_table,
    date_time,
    duration,
    empty_state,
    help_mark,
    icon_button,
    menu,
    menu_item,
    money,
    page_header,
    search_field,
    select,
    stat_row,
    stat_tile,
    tag,
    text_input,
    toolbar,
)
from oneapi_app.console.components.live import every, moment_input
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.logs.dialogs import clean_up_dialog, detail_drawer
from oneapi_app.console.pages.logs.state import FOLLOW_MS, LogsState

_State: Any = LogsState

TABLE = "logs"
_KINDS = ("consume", "top_up", "manage", "system", "test")
_RANGES = ("hour", "today", "day", "week", "month", "dates")


def _kind(row: Any) -> rx.Component:
    tone = rx.match(row.kind, ("consume", "quiet"), ("top_up", "good"), ("test", "info"), "warn")
    return tag(t_dynamic("logs", "kind_" + row.kind.to(str)), tone)


def _model(row: Any) -> rx.Component:
    """The model, or what happened where no model was asked."""
    return rx.cond(
        row.said != "",
        rx.el.span(row.said, class_name="said", title=row.said),
        rx.el.span(
            rx.el.span(row.model, class_name="strong"),
            rx.cond(
                row.streamed,
                rx.el.span(rx.icon("waves", size=13), title=t("logs.streamed"), class_name="faint"),
            ),
            class_name="with-mark",
        ),
    )


def _tokens(row: Any) -> rx.Component:
    return rx.cond(
        row.prompt + row.completion > 0,
        rx.el.span(
            count(row.prompt),
            rx.cond(
                row.cached > 0,
                rx.el.span(" (", count(row.cached), ")", title=t("logs.cached"), class_name="faint"),
            ),
            rx.el.span(" → ", class_name="faint"),
            count(row.completion),
        ),
    )


def _time_taken(row: Any) -> rx.Component:
    return rx.cond(
        row.elapsed_ms > 0,
        rx.el.span(
            rx.cond(
                row.first_token_ms > 0,
                rx.el.span(
                    duration(row.first_token_ms), " / ", title=t("logs.first_token"), class_name="faint"
                ),
            ),
            duration(row.elapsed_ms),
        ),
    )


def _channel(row: Any) -> rx.Component:
    return rx.cond(
        row.channel > 0, rx.el.span("#", row.channel, " ", rx.el.span(row.channel_name, class_name="muted"))
    )


_TIME = Column(t("shell.time"), lambda row: date_time(row.at), phone="line")
_KIND = Column(t("logs.kind"), _kind)
_WHO = Column(t("logs.user"), lambda row: row.user)
_TOKEN = Column(t("logs.token"), lambda row: row.token)
_MODEL = Column(t("logs.model"), _model, phone="title")
_CHANNEL = Column(t("logs.channel"), _channel)
_TOKENS = Column(t("logs.tokens"), _tokens, align="right", hint=help_mark(t("logs.tokens_help")))
_TAKEN = Column(t("logs.duration"), _time_taken, align="right", hint=help_mark(t("logs.duration_help")))
_COST = Column(t("logs.cost"), lambda row: rx.cond(row.kind == "consume", money(row.cost, 6)), align="right")
OWN_COLUMNS = (_TIME, _MODEL, _TOKEN, _KIND, _TOKENS, _TAKEN, _COST)
ALL_COLUMNS = (_TIME, _MODEL, _WHO, _TOKEN, _CHANNEL, _KIND, _TOKENS, _TAKEN, _COST)


@page(
    routes.LOGS,
    title="logs.title",
    guard=COMMON,
    menu=MenuEntry("scroll-text", order=40),
    on_load=_State.enter,
)
def logs_page() -> rx.Component:
    is_admin = client.viewer("role") >= ADMIN
    return rx.fragment(
        every(rx.cond(_State.following, FOLLOW_MS, 0), _State.catch_up),
        page_header(
            t("logs.title"),
            search_field(_State.search, _State.search_for, t("logs.search")),
            _follow_button(),
            _more(is_admin),
        ),
        _sums(),
        _filters(is_admin),
        rx.cond(is_admin, _table(ALL_COLUMNS, "logs-all"), _table(OWN_COLUMNS, "logs-own")),
        detail_drawer(is_admin),
        clean_up_dialog(),
    )


def _follow_button() -> rx.Component:
    return rx.el.button(
        rx.el.span(class_name="dot", custom_attrs={"data-tone": rx.cond(_State.following, "good", "quiet")}),
        rx.el.span(t("logs.follow")),
        type="button",
        class_name="button plain follow",
        on_click=_State.follow(~_State.following),
        aria_pressed=_State.following,
    )


def _more(is_admin: Any) -> rx.Component:
    return menu(
        icon_button("ellipsis", t("shell.more"), kind="plain"),
        menu_item(t("shell.refresh"), icon="refresh-cw", on_click=_State.refresh),
        menu_item(t("shell.export"), icon="download", on_click=_State.export),
        rx.cond(
            is_admin,
            menu_item(t("logs.clean_up"), icon="trash-2", danger=True, on_click=_State.start_clean_up),
        ),
    )


def _sums() -> rx.Component:
    return rx.el.div(
        stat_row(
            stat_tile(t("logs.cost"), money(_State.spent), t("logs.sum_note"), icon="coins"),
            stat_tile(t("logs.requests"), count(_State.requests), icon="send"),
            stat_tile(t("logs.tokens"), count(_State.tokens), icon="type"),
            stat_tile(
                t("logs.per_minute"),
                rx.el.span(
                    count(_State.requests_per_minute),
                    rx.el.small(" RPM  "),
                    count(_State.tokens_per_minute),
                    rx.el.small(" TPM"),
                ),
                t("logs.per_minute_note"),
                icon="gauge",
            ),
        ),
        class_name="sums",
    )


def _filters(is_admin: Any) -> rx.Component:
    filters = _State.filters
    named = (filters["model"] + filters["token"] + filters["user"] + filters["channel"]) != ""
    return rx.el.div(
        toolbar(
            select(
                [("", t("logs.any_kind")), *((kind, t(f"logs.kind_{kind}")) for kind in _KINDS)],
                value=filters["type"],
                on_change=lambda value: _State.set_filter("type", value),
                aria_label=t("logs.kind"),
            ),
            select(
                [("", t("logs.any_time")), *((span, t(f"logs.range_{span}")) for span in _RANGES)],
                value=filters["range"],
                on_change=_State.set_range,
                aria_label=t("shell.time"),
            ),
            rx.cond(
                filters["range"] == "dates",
                rx.fragment(
                    moment_input(filters["from"].to(int), label=t("logs.from"), on_pick=_State.pick_from),
                    moment_input(filters["to"].to(int), label=t("logs.to"), on_pick=_State.pick_to),
                ),
            ),
            button(
                rx.cond(
                    _State.active_filters > 0,
                    t("logs.filters_active", count=_State.active_filters),
                    t("shell.filters"),
                ),
                icon="list-filter",
                on_click=_State.toggle_filters,
            ),
            rx.cond(
                (_State.active_filters > 0) | (_State.search != ""),
                button(t("shell.clear_filters"), kind="quiet", on_click=_State.clear_filters),
            ),
            rx.el.span(class_name="push"),
            rx.cond(
                is_admin, column_chooser("logs-all", ALL_COLUMNS), column_chooser("logs-own", OWN_COLUMNS)
            ),
        ),
        rx.cond(
            _State.filters_open | named,
            toolbar(
                _filter("model", t("logs.model")),
                _filter("token", t("logs.token")),
                rx.cond(
                    is_admin,
                    rx.fragment(_filter("user", t("logs.user")), _filter("channel", t("logs.channel_id"))),
                ),
            ),
        ),
    )


def _filter(name: str, label: Any) -> rx.Component:
    return rx.el.div(
        text_input(
            _State.filters[name],
            lambda value: _State.set_filter(name, value),
            delay_ms=350,
            placeholder=label,
            aria_label=label,
        ),
        class_name="filter",
    )


def _table(columns: tuple[Column, ...], name: str) -> rx.Component:
    return data_table(
        _State,
        columns,
        name=name,
        on_open=lambda row: _State.look(row.id),
        empty=empty_state("scroll-text", t("logs.none"), t("logs.none_text")),
    )
