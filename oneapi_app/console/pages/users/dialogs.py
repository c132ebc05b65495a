"""Creating and editing a user, giving and taking quota, and one user at a glance."""

from typing import Any

import reflex as rx

from oneapi_app.console import client
from oneapi_app.console.components import (
    button,
    count,
    drawer,
    facts,
    field,
    form_dialog,
    form_error,
    money,
    password_input,
    segmented,
    stacked_bars,
    status_badge,
    tag,
    text_input,
)
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.pages.users.state import UsersState

_State: Any = UsersState


def user_form() -> rx.Component:
    form = _State.form
    is_new = form.id == 0
    return form_dialog(
        _State.form_open,
        _State.show_form,
        rx.cond(is_new, t("users.create_title"), t("users.edit_title", name=form.username)),
        form_error(_State.error),
        field(
            t("shell.username"),
            text_input(
                form.username,
                name="username",
                max_length=12,
                required=True,
                auto_complete="off",
                auto_focus=True,
            ),
        ),
        field(
            t("users.display_name"),
            text_input(form.display_name, name="display_name", max_length=20, auto_complete="off"),
            optional=t("shell.optional"),
        ),
        field(
            t("users.password"),
            password_input(
                name="password", auto_complete="new-password", min_length=8, max_length=20, required=is_new
            ),
            help=rx.cond(is_new, t("users.password_rule"), t("users.password_keep")),
        ),
        rx.cond(
            is_new,
            rx.fragment(),
            field(
                t("users.email"),
                text_input(form.email, name="email", type="email", max_length=50, auto_complete="off"),
                optional=t("shell.optional"),
            ),
        ),
        field(
            t("shell.group"),
            rx.el.span(
                rx.el.select(
                    rx.foreach(_State.groups, lambda name: rx.el.option(name, value=name)),
                    name="group",
                    default_value=form.group,
                ),
                rx.icon("chevrons-up-down", size=13),
                class_name="select",
            ),
            help=t("users.group_help"),
        ),
        on_submit=_State.save,
        submit_label=rx.cond(is_new, t("shell.create"), t("shell.save")),
    )


def quota_dialog() -> rx.Component:
    """More or less, with a reason that goes into the log."""
    form = _State.form
    change = rx.cond(_State.adding, _State.amount_units, -_State.amount_units)
    return form_dialog(
        _State.quota_open,
        _State.show_quota,
        t("users.adjust_title", name=form.username),
        form_error(_State.error),
        segmented(
            [("add", t("users.add")), ("take", t("users.take"))],
            rx.cond(_State.adding, "add", "take"),
            _State.set_direction,
            t("users.adjust"),
        ),
        field(
            rx.cond(client.site("display_in_currency"), t("users.amount_money"), t("users.amount_units")),
            rx.debounce_input(
                rx.el.input(
                    value=_State.amount,
                    name="amount",
                    input_mode="decimal",
                    on_change=_State.weigh_amount,
                    class_name="input",
                    auto_complete="off",
                    auto_focus=True,
                ),
                debounce_timeout=150,
            ),
            help=rx.el.span(money(form.quota), " → ", money(form.quota + change)),
        ),
        field(
            t("users.reason"),
            text_input(name="reason", max_length=200, auto_complete="off"),
            optional=t("shell.optional"),
            help=t("users.reason_help"),
        ),
        on_submit=_State.save_quota,
        submit_label=t("shell.confirm"),
    )


def user_drawer() -> rx.Component:
    shown = _State.shown
    return drawer(
        _State.drawer_open,
        _State.show_drawer,
        shown.username,
        facts(
            ("ID", shown.id),
            (t("users.display_name"), rx.cond(shown.display_name != "", shown.display_name, "–")),
            (t("users.role"), tag(t_dynamic("users", "role_" + shown.role.to(str)))),
            (
                t("shell.status"),
                status_badge(
                    rx.cond(shown.enabled, "good", "quiet"),
                    t_dynamic("users", "state_" + shown.state.to(str)),
                ),
            ),
            (t("shell.group"), tag(shown.group)),
            (t("users.email"), rx.cond(shown.email != "", shown.email, "–")),
            (t("users.bound"), rx.cond(shown.methods != "", shown.methods, t("users.password_only"))),
            (t("users.inviter"), rx.cond(shown.inviter > 0, "#" + shown.inviter.to_string(), "–")),
        ),
        rx.el.section(
            rx.el.h3(t("users.usage")),
            facts(
                (t("shell.balance"), money(shown.quota)),
                (
                    t("users.used"),
                    rx.el.span(money(shown.used), " · ", count(shown.requests), " ", t("users.requests")),
                ),
                (t("users.week"), money(_State.spent_week)),
                (t("users.month"), money(_State.spent_month)),
            ),
            rx.cond(
                _State.series.length() > 0,
                stacked_bars(_State.bars, _State.series, label=t("users.usage"), unit="quota", height=200),
            ),
            class_name="drawer-section",
        ),
        actions=(
            button(t("users.adjust"), icon="coins", on_click=_State.start_quota(shown.id)),
            button(t("shell.edit"), icon="pencil", kind="primary", on_click=_State.start_edit(shown.id)),
        ),
    )
