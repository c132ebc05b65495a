"""The token's form, and the dialog with all one needs to use a token."""

from typing import Any

import reflex as rx

from oneapi_app.console import client
from oneapi_app.console.components import (
    button,
    callout,
    code_block,
    copy_button,
    dialog,
    field,
    form_dialog,
    form_error,
    money,
    segmented,
    switch_row,
    text_area,
    text_input,
)
from oneapi_app.console.components.live import moment_input
from oneapi_app.console.i18n import t
from oneapi_app.console.pages.tokens.state import TokensState

_State: Any = TokensState


def token_form() -> rx.Component:
    form = _State.form
    return form_dialog(
        _State.form_open,
        _State.show_form,
        rx.cond(form.id > 0, t("tokens.edit_title"), t("tokens.create_title")),
        form_error(_State.error),
        field(
            t("shell.name"),
            text_input(form.name, name="name", max_length=30, auto_focus=True, auto_complete="off"),
            help=t("tokens.name_help"),
        ),
        _quota(form),
        _expiry(form),
        _models(),
        field(
            t("tokens.subnet"),
            text_area(form.subnet, rows=2, mono=True, name="subnet", placeholder="10.0.0.0/8, 2001:db8::/32"),
            optional=t("shell.optional"),
            help=t("tokens.subnet_help"),
        ),
        on_submit=_State.save,
        submit_label=rx.cond(form.id > 0, t("shell.save"), t("shell.create")),
    )


def _quota(form: Any) -> rx.Component:
    amount = field(
        rx.cond(client.site("display_in_currency"), t("tokens.amount_money"), t("tokens.amount_units")),
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
            rx.el.span(
                money(_State.amount_units, 6),
                " = ",
                t("shell.raw_quota", units=_State.amount_units),
            ),
            t("tokens.amount_wrong"),
        ),
    )
    return rx.el.div(
        switch_row(
            t("shell.unlimited"), form.unlimited, _State.set_unlimited, help=t("tokens.unlimited_help")
        ),
        rx.cond(form.unlimited, rx.fragment(), amount),
        class_name="form-part",
    )


def _expiry(form: Any) -> rx.Component:
    kinds = ("never", "hour", "day", "month", "date")
    return rx.el.div(
        rx.el.span(t("tokens.expires"), class_name="field-label"),
        segmented(
            [(kind, t(f"tokens.expiry_{kind}")) for kind in kinds],
            form.expiry,
            _State.set_expiry,
            t("tokens.expires"),
        ),
        rx.cond(form.expiry == "date", moment_input(form.expires, name="expires", label=t("tokens.expires"))),
        class_name="field",
    )


def _models() -> rx.Component:
    chosen = _State.chosen_models
    return rx.el.div(
        rx.el.span(
            t("tokens.models"),
            rx.el.small(
                rx.cond(
                    chosen.length() == 0,
                    t("tokens.all_models"),
                    t("tokens.some_models", count=chosen.length()),
                )
            ),
            class_name="field-label",
        ),
        rx.el.div(
            rx.el.div(
                text_input(
                    _State.model_search,
                    _State.search_models,
                    delay_ms=150,
                    placeholder=t("tokens.search_models"),
                    aria_label=t("tokens.search_models"),
                ),
                rx.cond(
                    chosen.length() > 0,
                    button(t("tokens.allow_all"), kind="quiet", on_click=_State.allow_all_models),
                ),
                class_name="chips-head",
            ),
            rx.el.div(
                rx.foreach(
                    _State.offered_models,
                    lambda name: rx.el.button(
                        name,
                        type="button",
                        class_name="chip",
                        on_click=_State.toggle_model(name),
                        aria_pressed=chosen.contains(name),
                    ),
                ),
                rx.cond(
                    _State.all_models.length() == 0,
                    rx.el.span(t("tokens.no_models"), class_name="faint"),
                ),
                class_name="chips",
            ),
            class_name="chips-box",
        ),
        class_name="field",
    )


def use_dialog() -> rx.Component:
    """The key, snippets in three languages, links into clients and a code for phones."""
    snippets = _State.snippets
    return dialog(
        _State.using.bool(),
        _State.close_use,
        rx.cond(_State.just_made, t("tokens.made_title"), t("tokens.use_title", name=_State.using.name)),
        rx.cond(_State.just_made, callout(t("tokens.made_text"), icon="circle-check")),
        rx.el.div(
            _copy_line(t("tokens.key"), snippets.key),
            _copy_line(t("tokens.base_url"), snippets.address + "/v1"),
            class_name="copy-lines",
        ),
        rx.el.div(
            segmented(
                [("curl", "curl"), ("python", "Python"), ("node", "Node"), ("env", t("tokens.environment"))],
                _State.language,
                _State.set_language,
                t("tokens.snippet"),
            ),
            code_block(
                rx.match(
                    _State.language,
                    ("python", snippets.python),
                    ("node", snippets.node),
                    ("env", snippets.env),
                    snippets.curl,
                )
            ),
            class_name="stack snippet-part",
        ),
        rx.el.div(
            rx.el.div(
                rx.el.span(t("tokens.open_in"), class_name="field-label"),
                rx.el.div(
                    _client_link("NextChat", snippets.next_chat),
                    _client_link("LobeChat", snippets.lobe_chat),
                    _client_link("OpenCat", snippets.open_cat),
                    _client_link("AMA", snippets.ama),
                    class_name="client-links",
                ),
                rx.el.span(t("tokens.open_in_help"), class_name="field-help"),
                class_name="field",
            ),
            rx.el.div(
                rx.el.img(src=_State.code, alt=t("tokens.code"), class_name="qr"),
                segmented(
                    [
                        ("key", t("tokens.key")),
                        ("next_chat", "NextChat"),
                        ("open_cat", "OpenCat"),
                        ("ama", "AMA"),
                    ],
                    _State.code_of,
                    _State.set_code_of,
                    t("tokens.code"),
                ),
                class_name="qr-part",
            ),
            class_name="use-foot",
        ),
        wide=True,
    )


def _copy_line(label: Any, text: Any) -> rx.Component:
    return rx.el.div(
        rx.el.span(label, class_name="field-label"),
        rx.el.code(text),
        copy_button(text),
        class_name="copy-line",
    )


def _client_link(name: str, href: Any) -> rx.Component:
    return rx.el.a(
        name,
        rx.icon("arrow-up-right", size=13),
        href=href,
        target="_blank",
        rel="noreferrer",
        class_name="button plain",
    )
