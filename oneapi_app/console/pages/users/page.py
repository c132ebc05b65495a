"""The users page: the table and its dialogs."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN, COMMON, ROOT
from oneapi_app.console import client, routes
from oneapi_app.console.components import (
    Column,
    button,
    column_chooser,
    confirm_dialog,
    count,
    data_table,
    empty_state,
    menu_item,
    menu_separator,
    money,
    page_header,
    row_menu,
    search_field,
    select,
    switch,
    tag,
    toolbar,
)
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.users.dialogs import quota_dialog, user_drawer, user_form
from oneapi_app.console.pages.users.state import UsersState
from oneapi_app.models.user import DISABLED, ENABLED

_State: Any = UsersState

TABLE = "users"


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        rx.el.span(row.username, class_name="strong"),
        rx.cond(row.display_name != "", rx.el.span(row.display_name, class_name="muted")),
        class_name="with-mark",
    )


def _role(row: Any) -> rx.Component:
    tone = rx.match(row.role, ("root", "info"), ("admin", "info"), "quiet")
    return tag(t_dynamic("users", "role_" + row.role.to(str)), tone)


def _methods(row: Any) -> rx.Component:
    return rx.el.span(
        row.email,
        rx.cond((row.email != "") & (row.methods != ""), rx.el.span(" · ")),
        row.methods,
        class_name="muted",
    )


def _actions(row: Any) -> rx.Component:
    is_root = client.viewer("role") >= ROOT
    return rx.el.span(
        switch(
            row.enabled,
            _State.set_enabled(row.id),
            t("users.switch", name=row.username),
            disabled=row.role == "root",
        ),
        row_menu(
            menu_item(t("shell.edit"), icon="pencil", on_click=_State.start_edit(row.id)),
            menu_item(t("users.adjust"), icon="coins", on_click=_State.start_quota(row.id)),
            menu_item(
                t("users.see_log"),
                icon="scroll-text",
                on_click=rx.redirect(f"{routes.LOGS}?user={row.username}"),
            ),
            rx.cond(
                is_root & (row.role == "common"),
                menu_item(t("users.promote"), icon="shield-plus", on_click=_State.promote(row.id)),
            ),
            rx.cond(
                is_root & (row.role == "admin"),
                menu_item(t("users.demote"), icon="shield-minus", on_click=_State.demote(row.id)),
            ),
            rx.cond(
                row.role != "root",
                rx.fragment(
                    menu_separator(),
                    menu_item(
                        t("shell.delete"), icon="trash-2", danger=True, on_click=_State.ask_delete(row.id)
                    ),
                ),
            ),
        ),
        class_name="row-actions",
    )


COLUMNS = (
    Column("ID", lambda row: row.id, sort="id", phone="hide", width="64px"),
    Column(t("shell.username"), _name, sort="username", phone="title"),
    Column(t("users.role"), _role, sort="role"),
    Column(t("shell.group"), lambda row: tag(row.group), sort="group"),
    Column(t("shell.balance"), lambda row: money(row.quota), sort="quota", align="right"),
    Column(t("users.used"), lambda row: money(row.used), sort="used_quota", align="right"),
    Column(t("users.requests_head"), lambda row: count(row.requests), sort="request_count", align="right"),
    Column(t("users.methods"), _methods),
    Column("", _actions, phone="actions", align="right"),
)


@page(
    routes.USERS,
    title="users.title",
    guard=ADMIN,
    menu=MenuEntry("users", order=20, section="admin"),
    on_load=_State.open,
)
def users_page() -> rx.Component:
    return rx.fragment(
        page_header(
            t("users.title"),
            search_field(_State.search, _State.search_for, t("users.search")),
            button(t("users.create"), icon="plus", kind="primary", shortcut="n", on_click=_State.start_new),
        ),
        toolbar(
            _filter(
                "role",
                t("users.any_role"),
                [(COMMON, "role_common"), (ADMIN, "role_admin"), (ROOT, "role_root")],
            ),
            _filter(
                "status", t("users.any_state"), [(ENABLED, "state_enabled"), (DISABLED, "state_disabled")]
            ),
            _group_filter(),
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
            on_open=lambda row: _State.look(row.id),
            empty=empty_state("users", t("users.none"), t("users.none_text")),
        ),
        user_form(),
        quota_dialog(),
        user_drawer(),
        confirm_dialog(
            _State.doomed.bool(),
            _State.close_delete,
            title=t("users.delete_title", name=_State.doomed.username),
            text=t("users.delete_text"),
            confirm_label=t("shell.delete"),
            on_confirm=_State.delete,
        ),
    )


def _filter(name: str, anything: Any, choices: list[tuple[int, str]]) -> rx.Component:
    return select(
        [("", anything), *((str(number), t(f"users.{text}")) for number, text in choices)],
        value=_State.filters[name],
        on_change=lambda value: _State.set_filter(name, value),
        aria_label=anything,
    )


def _group_filter() -> rx.Component:
    return rx.el.span(
        rx.el.select(
            rx.el.option(t("users.any_group"), value=""),
            rx.foreach(_State.groups, lambda name: rx.el.option(name, value=name)),
            value=_State.filters["group"],
            on_change=lambda value: _State.set_filter("group", value),
            aria_label=t("shell.group"),
        ),
        rx.icon("chevrons-up-down", size=13),
        class_name="select",
    )
