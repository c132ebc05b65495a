"""The top-up page."""

from typing import Any

import reflex as rx

from oneapi_app.actor import COMMON
from oneapi_app.console import routes
from oneapi_app.console.components import (
    button,
    card,
    columns,
    copy_button,
    count,
    date_time,
    field,
    form_error,
    link_button,
    money,
    page_header,
    skeleton,
    stack,
    stat_row,
    stat_tile,
    text_input,
)
from oneapi_app.console.i18n import t
from oneapi_app.console.page import PAGES, MenuEntry, page
from oneapi_app.console.pages.topup.state import TopUpState

_State: Any = TopUpState


@page(
    routes.TOP_UP,
    title="topup.title",
    guard=COMMON,
    menu=MenuEntry("wallet", order=60),
    on_load=_State.enter,
)
def topup_page() -> rx.Component:
    return rx.fragment(
        page_header(t("topup.title")),
        rx.cond(_State.loaded, _content(), stack(skeleton("100%", "92px"), skeleton("100%", "200px"))),
    )


def _content() -> rx.Component:
    state = _State
    return stack(
        stat_row(
            stat_tile(t("shell.balance"), money(state.balance), icon="wallet"),
            stat_tile(t("topup.used"), money(state.used), icon="coins"),
            stat_tile(t("topup.requests"), count(state.requests), icon="send"),
        ),
        columns(_redeem(), *([_invite()] if routes.REGISTER in PAGES else [])),
        _history(),
    )


def _redeem() -> rx.Component:
    return card(
        rx.form(
            form_error(_State.error),
            field(
                t("topup.code"),
                text_input(
                    name="code",
                    id="redeem-code",
                    max_length=64,
                    required=True,
                    auto_complete="off",
                    spell_check=False,
                ),
                help=t("topup.code_help"),
            ),
            rx.el.div(
                button(t("topup.redeem"), kind="primary", type="submit", icon="ticket-check"),
                rx.cond(
                    _State.shop != "",
                    link_button(t("topup.shop"), _State.shop, icon="external-link", is_external=True),
                ),
                class_name="form-actions",
            ),
            on_submit=_State.redeem,
            reset_on_submit=False,
            class_name="form-stack",
        ),
        title=t("topup.redeem_title"),
    )


def _invite() -> rx.Component:
    state = _State
    return card(
        rx.el.p(t("topup.invite_text"), class_name="muted"),
        rx.el.div(
            rx.el.code(state.invitation),
            copy_button(state.invitation, t("topup.copy_link")),
            class_name="copy-box",
        ),
        rx.cond(
            (state.inviter_reward > 0) | (state.invitee_reward > 0),
            rx.el.p(
                t("topup.you_get"),
                " ",
                money(state.inviter_reward),
                " · ",
                t("topup.they_get"),
                " ",
                money(state.invitee_reward),
                class_name="muted",
            ),
        ),
        title=t("topup.invite_title"),
        class_name="form-stack",
    )


def _history() -> rx.Component:
    return card(
        rx.cond(
            _State.history.length() > 0,
            rx.el.ul(
                rx.foreach(
                    _State.history,
                    lambda row: rx.el.li(
                        rx.el.span(row.said), rx.el.span(date_time(row.at), class_name="muted")
                    ),
                ),
                class_name="notes",
            ),
            rx.el.p(t("topup.no_history"), class_name="faint"),
        ),
        title=t("topup.history"),
    )
