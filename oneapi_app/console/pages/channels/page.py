"""The channel page: the table, its filters, and the bulk work above it."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.console import routes
from oneapi_app.console.components import (
    Column,
    button,
    column_chooser,
    confirm_dialog,
    data_table,
    duration,
    empty_state,
    help_mark,
    icon_button,
    menu,
    menu_item,
    menu_separator,
    money,
    page_header,
    row_menu,
    search_field,
    status_badge,
    switch,
    tag,
    time_ago,
    toolbar,
)
from oneapi_app.console.components.inline import number_cell
from oneapi_app.console.components.live import every
from oneapi_app.console.i18n import localized, t, t_dynamic
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.channels.detail import ChannelDetailState
from oneapi_app.console.pages.channels.dialogs import adjust_dialog, trial_dialog
from oneapi_app.console.pages.channels.drawer import detail_drawer
from oneapi_app.console.pages.channels.form import channel_form, vendor_mark
from oneapi_app.console.pages.channels.form_state import ChannelFormState
from oneapi_app.console.pages.channels.state import ChannelsState
from oneapi_app.console.pages.channels.trial import TrialState
from oneapi_app.models.channel import AUTO_DISABLED, ENABLED, MANUALLY_DISABLED

TABLE = "channels"
SLOW_MS, SLOWER_MS = 3_000, 5_000
FOLLOW_MS = 1_000

_Table: Any = ChannelsState
_Detail: Any = ChannelDetailState
_Form: Any = ChannelFormState
_Trial: Any = TrialState


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        vendor_mark(row.mark, row.hue),
        rx.el.span(
            rx.el.span(row.name, class_name="strong"),
            rx.el.small(localized(row.title), rx.el.span(f" · #{row.id}", class_name="num")),
            class_name="two-lines",
        ),
        class_name="channel-name",
    )


def _status(row: Any) -> rx.Component:
    """Badge, and under it since when and why."""
    tone = rx.match(row.state, ("enabled", "good"), ("resting", "warn"), ("automatic", "bad"), "quiet")
    badge = status_badge(tone, t_dynamic("channels", "state_" + row.state.to(str)))
    note = rx.el.small(
        rx.cond(row.since > 0, time_ago(row.since)),
        rx.cond(row.reason != "", rx.el.span(" · ", row.reason, title=row.reason, class_name="reason")),
        class_name="status-note",
    )
    return rx.el.span(badge, rx.cond(row.state != "enabled", note), class_name="two-lines")


def _response(row: Any) -> rx.Component:
    tone = rx.cond(row.response_ms > SLOWER_MS, "bad", rx.cond(row.response_ms > SLOW_MS, "warn", "good"))
    measured = rx.el.span(
        rx.el.span(class_name="dot", custom_attrs={"data-tone": tone}),
        duration(row.response_ms),
        class_name="status",
    )
    failed = status_badge("bad", t("channels.failed"), row.test_message)
    outcome = rx.cond(row.response_ms > 0, measured, failed)
    return rx.cond(
        row.tested_at > 0,
        rx.el.span(outcome, rx.el.small(time_ago(row.tested_at)), class_name="two-lines"),
        rx.el.span(t("channels.untested"), class_name="faint"),
    )


def _balance(row: Any) -> rx.Component:
    shown = rx.cond(
        row.balance != "", rx.el.span(row.balance, class_name="num"), rx.icon("refresh-cw", size=13)
    )
    button_ = rx.el.button(
        shown,
        type="button",
        class_name="cell-button",
        title=t("channels.ask_balance"),
        aria_label=t("channels.ask_balance"),
        on_click=[rx.stop_propagation, _Table.update_balance(row.id)],
    )
    return rx.cond(row.balance_at >= 0, button_, rx.el.span("–", class_name="faint"))


def _groups(row: Any) -> rx.Component:
    return rx.el.span(rx.foreach(row.groups, tag), class_name="tags")


def _actions(row: Any) -> rx.Component:
    return rx.el.span(
        switch(row.enabled, _Table.set_enabled(row.id), t("channels.switch", name=row.name)),
        icon_button("flask-conical", t("channels.test"), on_click=_Trial.open(row.id)),
        row_menu(
            menu_item(t("shell.edit"), icon="pencil", on_click=_Form.start_edit(row.id)),
            menu_item(t("channels.copy"), icon="copy", on_click=_Form.start_copy(row.id)),
            menu_item(
                t("channels.see_log"),
                icon="scroll-text",
                on_click=rx.redirect(f"{routes.LOGS}?channel={row.id}"),
            ),
            menu_separator(),
            menu_item(t("shell.delete"), icon="trash-2", danger=True, on_click=_Table.ask_delete(row.id)),
        ),
        class_name="row-actions",
    )


COLUMNS = (
    Column(t("shell.name"), _name, sort="name", phone="title"),
    Column(t("shell.status"), _status, sort="status"),
    Column(t("channels.groups"), _groups),
    Column(
        t("channels.models"),
        lambda row: rx.el.span(row.models, title=row.some_models, class_name="num"),
        align="right",
        phone="hide",
    ),
    Column(t("channels.response"), _response, sort="response_time"),
    Column(t("channels.balance"), _balance, sort="balance", align="right"),
    Column(t("channels.used"), lambda row: money(row.used), sort="used_quota", align="right"),
    Column(
        t("channels.priority"),
        lambda row: number_cell(row.priority, _Table.set_priority(row.id), label=t("channels.priority")),
        sort="priority",
        align="right",
        hint=help_mark(t("channels.priority_help")),
    ),
    Column(
        t("channels.weight"),
        lambda row: number_cell(row.weight, _Table.set_weight(row.id), label=t("channels.weight"), minimum=0),
        sort="weight",
        align="right",
        phone="hide",
        hint=help_mark(t("channels.weight_help")),
    ),
    Column("", _actions, phone="actions", align="right"),
)


@page(
    routes.CHANNELS,
    title="channels.title",
    guard=ADMIN,
    menu=MenuEntry("waypoints", order=10, section="admin"),
    on_load=_Table.open,
)
def channels_page() -> rx.Component:
    return rx.fragment(
        page_header(
            t("channels.title"),
            search_field(_Table.search, _Table.search_for, t("channels.search")),
            _bulk_menu(),
            button(
                t("channels.add"),
                icon="plus",
                kind="primary",
                shortcut="n",
                on_click=_Form.start_new,
            ),
            subtitle=t("channels.subtitle"),
        ),
        _filters(),
        _work_strip(),
        data_table(
            _Table,
            COLUMNS,
            name=TABLE,
            selectable=True,
            bulk=[
                button(t("shell.enable"), on_click=_Table.enable_selected),
                button(t("shell.disable"), on_click=_Table.disable_selected),
                button(t("channels.test"), icon="flask-conical", on_click=_Table.test_selected),
                button(t("channels.adjust"), on_click=_Table.show_adjust(True)),
                button(t("shell.delete"), icon="trash-2", on_click=_Table.ask_delete_selected),
            ],
            on_open=lambda row: _Detail.open(row.id),
            empty=empty_state(
                "waypoints",
                t("channels.none"),
                t("channels.none_text"),
                button(t("channels.add"), icon="plus", kind="primary", on_click=_Form.start_new),
            ),
        ),
        channel_form(),
        detail_drawer(),
        trial_dialog(),
        adjust_dialog(),
        _confirmations(),
        every(rx.cond(_Table.work.running, FOLLOW_MS, 0), _Table.follow_work),
    )


def _bulk_menu() -> rx.Component:
    return menu(
        button(t("channels.all_channels"), icon="list-checks"),
        menu_item(t("channels.test_all"), icon="flask-conical", on_click=_Table.test_all(False)),
        menu_item(t("channels.test_disabled"), icon="flask-conical-off", on_click=_Table.test_all(True)),
        menu_item(t("channels.update_balances"), icon="wallet", on_click=_Table.update_balances),
        menu_separator(),
        menu_item(t("shell.export"), icon="download", on_click=_Table.export),
        menu_separator(),
        menu_item(
            t("channels.delete_disabled"), icon="trash-2", danger=True, on_click=_Table.ask_clean(True)
        ),
    )


def _filters() -> rx.Component:
    states = ((ENABLED, "enabled"), (MANUALLY_DISABLED, "manual"), (AUTO_DISABLED, "automatic"))
    toggle = "channel-filters"
    return toolbar(
        rx.el.input(id=toggle, type="checkbox", class_name="sr-only filters-toggle", aria_hidden="true"),
        rx.el.label(
            rx.icon("list-filter", size=15),
            rx.el.span(t("shell.filters")),
            rx.cond(_Table.active_filters > 0, tag(_Table.active_filters, "info")),
            html_for=toggle,
            class_name="button filters-button",
        ),
        rx.el.div(
            _filter(
                "status", [(str(n), t(f"channels.state_{name}")) for n, name in states], "channels.any_state"
            ),
            _filter("type", _Table.types, "channels.any_type", titled=True),
            _filter("group", _Table.groups, "channels.any_group"),
            _filter("model", _Table.models, "channels.any_model"),
            rx.cond(
                _Table.active_filters > 0,
                button(t("shell.clear_filters"), kind="quiet", on_click=_Table.clear_filters),
            ),
            class_name="filters",
        ),
        rx.el.span(class_name="push"),
        icon_button("refresh-cw", t("shell.refresh"), on_click=_Table.refresh),
        column_chooser(TABLE, COLUMNS, selectable=True),
    )


def _filter(name: str, options: Any, any_label: str, *, titled: bool = False) -> rx.Component:
    """A select whose first entry means any."""
    if isinstance(options, list):
        items: Any = [rx.el.option(label, value=value) for value, label in options]
    elif titled:
        items = [rx.foreach(options, lambda kind: rx.el.option(localized(kind[1]), value=kind[0]))]
    else:
        items = [rx.foreach(options, lambda value: rx.el.option(value, value=value))]
    return rx.el.span(
        rx.el.select(
            rx.el.option(t(any_label), value=""),
            *items,
            value=_Table.filters[name],
            on_change=lambda value: _Table.set_filter(name, value),
            aria_label=t(any_label),
        ),
        rx.icon("chevrons-up-down", size=13),
        class_name="select",
        custom_attrs={"data-set": _Table.filters[name] != ""},
    )


def _work_strip() -> rx.Component:
    """How far a bulk run has come; stays with its result until it is put away."""
    work = _Table.work
    text = rx.cond(
        work.running,
        rx.cond(
            work.kind == "test",
            t("channels.testing", done=work.done, total=work.total),
            t("channels.updating", done=work.done, total=work.total),
        ),
        rx.cond(
            work.kind == "test",
            t("channels.tested", good=work.good, total=work.total),
            t("channels.balances_updated", good=work.good, total=work.total),
        ),
    )
    bar = rx.el.span(
        rx.el.span(
            class_name="work-done",
            style={"width": rx.cond(work.total > 0, f"{100 * work.done / work.total}%", "0%")},
        ),
        class_name="work-bar",
        role="progressbar",
        custom_attrs={
            "aria-valuemin": 0,
            "aria-valuemax": work.total,
            "aria-valuenow": work.done,
            "aria-label": t("channels.progress"),
        },
    )
    strip = rx.el.div(
        rx.cond(
            work.running,
            rx.el.span(class_name="spinner"),
            rx.cond(
                work.good == work.total,
                rx.icon("circle-check", size=16, class_name="good"),
                rx.icon("triangle-alert", size=16, class_name="warn"),
            ),
        ),
        rx.el.span(text, class_name="num", aria_live="polite"),
        bar,
        rx.cond(
            work.running,
            rx.el.small(t("channels.may_leave")),
            icon_button("x", t("shell.close"), on_click=_Table.dismiss_work),
        ),
        class_name="work",
    )
    return rx.cond(work.kind != "", strip)


def _confirmations() -> rx.Component:
    many = _Table.doomed_ids.length() > 1
    return rx.fragment(
        confirm_dialog(
            _Table.doomed_ids.length() > 0,
            _Table.close_delete,
            title=rx.cond(
                _Table.doomed_name != "",
                t("channels.delete_title", name=_Table.doomed_name),
                t("channels.delete_many_title", count=_Table.doomed_ids.length()),
            ),
            text=rx.cond(many, t("channels.delete_many_text"), t("channels.delete_text")),
            confirm_label=t("shell.delete"),
            on_confirm=_Table.delete,
        ),
        confirm_dialog(
            _Table.cleaning,
            _Table.ask_clean,
            title=t("channels.clean_title"),
            text=t("channels.clean_text"),
            confirm_label=t("shell.delete"),
            on_confirm=_Table.delete_disabled,
        ),
    )
