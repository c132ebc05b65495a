"""The token page: the table and its dialogs."""

from typing import Any

import reflex as rx

from oneapi_app.actor import COMMON
from oneapi_app.console import routes
from oneapi_app.console.components import (
    Column,
    button,
    column_chooser,
    confirm_dialog,
    copy_button,
    data_table,
    date_time,
    empty_state,
    icon_button,
    menu_item,
    menu_separator,
    money,
    page_header,
    row_menu,
    search_field,
    select,
    status_badge,
    switch,
    tag,
    time_ago,
    toolbar,
)
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.tokens.dialogs import token_form, use_dialog
from oneapi_app.console.pages.tokens.state import TokensState
from oneapi_app.models.token import DISABLED, ENABLED, EXHAUSTED, EXPIRED

_State: Any = TokensState

TABLE = "tokens"


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        rx.el.span(rx.cond(row.name != "", row.name, t("tokens.nameless")), class_name="strong"),
        rx.cond(
            row.limits != "", rx.el.span(rx.icon("shield", size=13), title=row.limits, class_name="faint")
        ),
        class_name="with-mark",
    )


def _state(row: Any) -> rx.Component:
    tone = rx.match(row.state, ("enabled", "good"), ("expired", "warn"), ("exhausted", "bad"), "quiet")
    return status_badge(tone, t_dynamic("tokens", "state_" + row.state.to(str)))


def _key(row: Any) -> rx.Component:
    return rx.el.span(
        rx.el.code(row.masked),
        copy_button(row.key, t("tokens.copy_key")),
        class_name="secret",
        on_click=rx.stop_propagation,
    )


def _remaining(row: Any) -> rx.Component:
    return rx.cond(row.unlimited, rx.el.span(t("shell.unlimited"), class_name="muted"), money(row.remain))


def _actions(row: Any) -> rx.Component:
    return rx.el.span(
        switch(
            row.enabled,
            _State.set_enabled(row.id),
            t("tokens.switch", name=row.name),
        ),
        icon_button("terminal", t("tokens.use"), on_click=_State.use(row.id)),
        row_menu(
            menu_item(t("shell.edit"), icon="pencil", on_click=_State.start_edit(row.id)),
            menu_item(
                t("tokens.see_log"),
                icon="scroll-text",
                on_click=rx.redirect(f"{routes.LOGS}?token={row.name}"),
            ),
            menu_separator(),
            menu_item(t("shell.delete"), icon="trash-2", danger=True, on_click=_State.ask_delete(row.id)),
        ),
        class_name="row-actions",
    )


COLUMNS = (
    Column(t("shell.name"), _name, sort="name", phone="title"),
    Column(t("shell.status"), _state, sort="status"),
    Column(t("tokens.key"), _key),
    Column(t("tokens.remaining"), _remaining, sort="remain_quota", align="right"),
    Column(t("tokens.used"), lambda row: money(row.used), sort="used_quota", align="right"),
    Column(
        t("tokens.models"),
        lambda row: rx.cond(row.models == 0, rx.el.span(t("shell.all"), class_name="muted"), tag(row.models)),
        align="right",
    ),
    Column(t("tokens.expires"), lambda row: date_time(row.expires, t("shell.never")), sort="expired_time"),
    Column(t("tokens.last_used"), lambda row: time_ago(row.last_used), sort="accessed_time"),
    Column(t("shell.created"), lambda row: time_ago(row.created), sort="created_time", phone="hide"),
    Column("", _actions, phone="actions", align="right"),
)


@page(
    routes.TOKENS,
    title="tokens.title",
    guard=COMMON,
    menu=MenuEntry("key-round", order=30),
    on_load=_State.open,
)
def tokens_page() -> rx.Component:
    states = ((ENABLED, "enabled"), (DISABLED, "disabled"), (EXPIRED, "expired"), (EXHAUSTED, "exhausted"))
    return rx.fragment(
        page_header(
            t("tokens.title"),
            search_field(_State.search, _State.search_for, t("tokens.search")),
            button(t("tokens.create"), icon="plus", kind="primary", shortcut="n", on_click=_State.start_new),
            subtitle=t("tokens.subtitle"),
        ),
        toolbar(
            select(
                [("", t("tokens.any_state")), *((str(n), t(f"tokens.state_{name}")) for n, name in states)],
                value=_State.filters["status"],
                on_change=lambda value: _State.set_filter("status", value),
                aria_label=t("shell.status"),
            ),
            rx.el.span(class_name="push"),
            column_chooser(TABLE, COLUMNS, selectable=True),
        ),
        data_table(
            _State,
            COLUMNS,
            name=TABLE,
            selectable=True,
            bulk=[
                button(t("shell.enable"), on_click=_State.enable_selected),
                button(t("shell.disable"), on_click=_State.disable_selected),
            ],
            on_open=lambda row: _State.start_edit(row.id),
            empty=empty_state(
                "key-round",
                t("tokens.none"),
                t("tokens.none_text"),
                button(t("tokens.create"), icon="plus", kind="primary", on_click=_State.start_new),
            ),
        ),
        token_form(),
        use_dialog(),
        confirm_dialog(
            _State.doomed.bool(),
            _State.close_delete,
            title=t("tokens.delete_title", name=_State.doomed.name),
            text=t("tokens.delete_text"),
            confirm_label=t("shell.delete"),
            on_confirm=_State.delete,
        ),
    )
