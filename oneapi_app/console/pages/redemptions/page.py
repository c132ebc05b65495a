"""The page of redemption codes."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.console import client, routes
from oneapi_app.console.components import (
    Column,
    button,
    code_block,
    confirm_dialog,
    copy_button,
    data_table,
    dialog,
    empty_state,
    field,
    form_dialog,
    form_error,
    icon_button,
    menu,
    menu_item,
    menu_separator,
    money,
    page_header,
    row_menu,
    search_field,
    select,
    status_badge,
    text_input,
    time_ago,
    toolbar,
)
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.redemptions.state import RedemptionsState
from oneapi_app.models.redemption import DISABLED, ENABLED, USED

_State: Any = RedemptionsState

TABLE = "redemptions"


def _state(row: Any) -> rx.Component:
    tone = rx.match(row.state, ("enabled", "good"), ("used", "info"), "quiet")
    return status_badge(tone, t_dynamic("redemptions", "state_" + row.state.to(str)))


def _code(row: Any) -> rx.Component:
    return rx.el.span(rx.el.code(row.masked), copy_button(row.key), class_name="secret")


def _redeemed(row: Any) -> rx.Component:
    return rx.cond(
        row.redeemed > 0,
        rx.el.span(rx.el.span(row.redeemer, " ", class_name="strong"), time_ago(row.redeemed)),
        rx.el.span("–", class_name="faint"),
    )


def _actions(row: Any) -> rx.Component:
    return row_menu(
        menu_item(t("shell.edit"), icon="pencil", on_click=_State.start_edit(row.id)),
        rx.cond(
            row.state == "enabled",
            menu_item(t("shell.disable"), icon="ban", on_click=_State.disable(row.id)),
        ),
        rx.cond(
            row.state == "disabled",
            menu_item(t("shell.enable"), icon="check", on_click=_State.enable(row.id)),
        ),
        menu_separator(),
        menu_item(t("shell.delete"), icon="trash-2", danger=True, on_click=_State.ask_delete(row.id)),
    )


COLUMNS = (
    Column("ID", lambda row: row.id, sort="id", phone="hide", width="64px"),
    Column(
        t("shell.name"), lambda row: rx.el.span(row.name, class_name="strong"), sort="name", phone="title"
    ),
    Column(t("redemptions.code"), _code),
    Column(t("redemptions.amount"), lambda row: money(row.quota), sort="quota", align="right"),
    Column(t("shell.status"), _state, sort="status"),
    Column(t("redemptions.redeemed"), _redeemed, sort="redeemed_time"),
    Column(t("shell.created"), lambda row: time_ago(row.created), sort="created_time"),
    Column("", _actions, phone="actions", align="right"),
)


@page(
    routes.REDEMPTIONS,
    title="redemptions.title",
    guard=ADMIN,
    menu=MenuEntry("ticket", order=30, section="admin"),
    on_load=_State.open,
)
def redemptions_page() -> rx.Component:
    states = ((ENABLED, "enabled"), (DISABLED, "disabled"), (USED, "used"))
    create = button(
        t("redemptions.create"),
        icon="plus",
        kind="primary",
        shortcut="n",
        on_click=_State.start_new,
    )
    return rx.fragment(
        page_header(
            t("redemptions.title"),
            search_field(_State.search, _State.search_for, t("redemptions.search")),
            create,
        ),
        toolbar(
            select(
                [
                    ("", t("redemptions.any_state")),
                    *((str(number), t(f"redemptions.state_{name}")) for number, name in states),
                ],
                value=_State.filters["status"],
                on_change=lambda value: _State.set_filter("status", value),
                aria_label=t("shell.status"),
            ),
            rx.el.span(class_name="push"),
            menu(
                icon_button("ellipsis", t("shell.more"), kind="plain"),
                menu_item(
                    t("redemptions.purge"),
                    icon="trash-2",
                    danger=True,
                    on_click=_State.ask_purge(True),
                ),
            ),
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
            empty=empty_state(
                "ticket",
                t("redemptions.none"),
                t("redemptions.none_text"),
                button(t("redemptions.create"), icon="plus", kind="primary", on_click=_State.start_new),
            ),
        ),
        _form(),
        _made(),
        confirm_dialog(
            _State.doomed.bool(),
            _State.close_delete,
            title=t("redemptions.delete_title", name=_State.doomed.name),
            text=t("redemptions.delete_text"),
            confirm_label=t("shell.delete"),
            on_confirm=_State.delete,
        ),
        confirm_dialog(
            _State.purging,
            _State.ask_purge,
            title=t("redemptions.purge"),
            text=t("redemptions.purge_text"),
            confirm_label=t("shell.delete"),
            on_confirm=_State.purge,
        ),
    )


def _form() -> rx.Component:
    form = _State.form
    is_new = form.id == 0
    return form_dialog(
        _State.form_open,
        _State.show_form,
        rx.cond(is_new, t("redemptions.create_title"), t("redemptions.edit_title")),
        form_error(_State.error),
        field(
            t("shell.name"),
            text_input(
                form.name, name="name", max_length=20, required=True, auto_focus=True, auto_complete="off"
            ),
            help=t("redemptions.name_help"),
        ),
        rx.cond(
            is_new,
            field(
                t("redemptions.count"),
                text_input("1", name="count", type="number", min=1, max=100, required=True),
                help=t("redemptions.count_help"),
            ),
        ),
        field(
            rx.cond(
                client.site("display_in_currency"),
                t("redemptions.amount_money"),
                t("redemptions.amount_units"),
            ),
            rx.debounce_input(
                rx.el.input(
                    value=_State.amount,
                    name="amount",
                    input_mode="decimal",
                    on_change=_State.weigh_amount,
                    class_name="input",
                    auto_complete="off",
                ),
                debounce_timeout=150,
            ),
            help=rx.cond(
                _State.amount_units >= 0,
                t("shell.raw_quota", units=_State.amount_units),
                t("redemptions.amount_wrong"),
            ),
        ),
        on_submit=_State.save,
        submit_label=rx.cond(is_new, t("shell.create"), t("shell.save")),
    )


def _made() -> rx.Component:
    return dialog(
        _State.made_open,
        _State.close_made,
        t("redemptions.made_title", count=_State.made.length()),
        rx.el.div(code_block(_State.made_text), class_name="made-codes"),
        actions=(
            button(t("redemptions.download"), icon="download", on_click=_State.download),
            rx.dialog.close(button(t("shell.close"), kind="primary")),
        ),
    )
