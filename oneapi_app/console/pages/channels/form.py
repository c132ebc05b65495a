"""The channel's form: pick a type, then only the fields that type needs."""

from typing import Any

import reflex as rx

from oneapi_app.console.components import (
    button,
    field,
    form_error,
    icon_button,
    segmented,
    select,
    text_area,
    text_input,
)
from oneapi_app.console.i18n import localized, t, t_dynamic
from oneapi_app.console.pages.channels.dialogs import outcome_box
from oneapi_app.console.pages.channels.form_state import ChannelFormState
from oneapi_app.console.pages.channels.views import Offer

State: Any = ChannelFormState
MAX_NAME = 191


def vendor_mark(mark: Any, hue: Any) -> rx.Component:
    """Two letters in the vendor's colour."""
    return rx.el.span(mark, class_name="vendor-mark", custom_attrs={"data-hue": hue, "aria-hidden": "true"})


def channel_form() -> rx.Component:
    form = State.form
    title = rx.cond(
        form.id > 0,
        t("channels.edit_title", name=form.name),
        rx.cond(form.like > 0, t("channels.copy_title", name=form.name), t("channels.add_title")),
    )
    return rx.dialog.root(
        rx.dialog.content(
            rx.el.div(
                rx.dialog.title(title, size="3"),
                rx.dialog.close(icon_button("x", t("shell.close"))),
                class_name="dialog-head",
            ),
            rx.cond(State.picking, _picker(), _fields()),
            class_name="dialog wide channel-form",
            custom_attrs={"aria-describedby": "undefined"},
        ),
        open=State.shown,
        on_open_change=State.show,
    )


def _picker() -> rx.Component:
    return rx.el.div(
        rx.el.label(
            rx.icon("search", size=15),
            rx.debounce_input(
                rx.el.input(
                    value=State.type_search,
                    on_change=State.search_types,
                    type="search",
                    placeholder=t("channels.search_types"),
                    aria_label=t("channels.search_types"),
                    auto_focus=True,
                    auto_complete="off",
                ),
                debounce_timeout=120,
            ),
            class_name="search wide-search",
        ),
        rx.el.div(
            rx.foreach(State.found_offers, _offer),
            rx.cond(
                State.found_offers.length() == 0,
                rx.el.p(t("channels.no_such_type"), class_name="faint"),
            ),
            class_name="offers",
        ),
        class_name="dialog-body",
    )


def _offer(offer: rx.vars.ObjectVar[Offer]) -> rx.Component:
    return rx.el.button(
        vendor_mark(offer.mark, offer.hue),
        rx.el.span(
            rx.el.span(localized(offer.title), class_name="strong"),
            rx.el.small(
                rx.cond(
                    offer.base_url != "",
                    offer.base_url.to(str).replace("https://", ""),
                    t("channels.own_address"),
                )
            ),
            class_name="two-lines",
        ),
        type="button",
        class_name="offer",
        on_click=State.pick_type(offer.id),
    )


def _fields() -> rx.Component:
    return rx.form(
        # The first submit button is what Enter presses.
        rx.el.button(
            type="submit",
            class_name="sr-only",
            tab_index=-1,
            aria_hidden="true",
            on_click=State.intend("save"),
        ),
        rx.el.div(
            _chosen_type(),
            _identity(),
            rx.foreach(State.config, _config_input),
            _key(),
            _models(),
            _groups(),
            _more(),
            _trial(),
            form_error(State.error),
            class_name="dialog-body",
            key=State.form.serial,
        ),
        rx.el.div(
            rx.dialog.close(button(t("shell.cancel"))),
            button(
                rx.cond(
                    State.form.id > 0,
                    t("shell.save"),
                    rx.cond(State.keys > 1, t("channels.create_many", count=State.keys), t("shell.create")),
                ),
                kind="primary",
                type="submit",
                on_click=State.intend("save"),
                loading=State.busy == "save",
            ),
            class_name="dialog-foot",
        ),
        on_submit=State.submit,
        reset_on_submit=False,
    )


def _chosen_type() -> rx.Component:
    offer = State.offer
    return rx.el.div(
        vendor_mark(offer.mark, offer.hue),
        rx.el.span(
            rx.el.span(localized(offer.title), class_name="strong"),
            rx.cond(
                offer.key_page != "",
                rx.el.a(
                    t("channels.get_key"),
                    rx.icon("external-link", size=12),
                    href=offer.key_page,
                    target="_blank",
                    rel="noreferrer",
                ),
            ),
            class_name="two-lines",
        ),
        button(t("channels.other_type"), kind="quiet", on_click=State.pick_again),
        class_name="chosen-type",
    )


def _identity() -> rx.Component:
    form, offer = State.form, State.offer
    return rx.el.div(
        field(
            t("shell.name"),
            text_input(
                form.name,
                name="name",
                max_length=MAX_NAME,
                auto_complete="off",
                auto_focus=True,
                placeholder=t("channels.name_example"),
            ),
        ),
        rx.cond(
            offer.needs_base_url,
            field(
                t("channels.base_url"),
                _base_url(),
                help=rx.cond(
                    offer.chat_path != "",
                    t("channels.base_url_path", path=offer.chat_path),
                    t("channels.base_url_needed"),
                ),
            ),
            field(
                t("channels.base_url"),
                _base_url(),
                optional=t("shell.optional"),
                help=t("channels.base_url_help"),
            ),
        ),
        class_name="pair",
    )


def _base_url() -> rx.Component:
    return text_input(
        State.form.base_url,
        name="base_url",
        max_length=MAX_NAME,
        auto_complete="off",
        spell_check=False,
        input_mode="url",
        placeholder=rx.cond(State.offer.base_url != "", State.offer.base_url, "https://"),
    )


def _config_input(wanted: Any) -> rx.Component:
    name = f"config_{wanted.name}"
    return field(
        t_dynamic("channels", name),
        rx.cond(
            wanted.secret,
            rx.el.textarea(
                name=name,
                rows=2,
                class_name="input mono",
                spell_check=False,
                placeholder=rx.cond(wanted.kept, t("channels.key_kept"), ""),
            ),
            rx.el.input(
                name=name,
                default_value=wanted.value,
                class_name="input",
                auto_complete="off",
                spell_check=False,
                placeholder=t_dynamic("channels", f"{name}_example"),
            ),
        ),
    )


def _key() -> rx.Component:
    offer, form = State.offer, State.form
    lines = rx.cond(
        (form.id == 0) & (State.keys > 1),
        rx.el.b(t("channels.batch", count=State.keys)),
        t("channels.one_per_line"),
    )
    explained = t_dynamic("channels", "key_" + offer.key_kind.to(str))
    control = rx.debounce_input(
        rx.el.textarea(
            name="key",
            rows=rx.cond(form.id > 0, 2, 3),
            on_change=State.count_keys,
            class_name="input mono",
            spell_check=False,
            auto_complete="off",
            placeholder=rx.cond(form.like > 0, t("channels.key_kept"), ""),
        ),
        debounce_timeout=300,
    )
    return rx.cond(
        offer.key_kind == "unused",
        rx.fragment(),
        field(
            t("channels.key"),
            control,
            help=rx.el.span(explained, " ", rx.cond(form.id == 0, lines, rx.fragment())),
        ),
    )


def _models() -> rx.Component:
    chosen = State.chosen_models
    return rx.el.div(
        rx.el.div(
            rx.el.span(
                t("channels.models"),
                rx.el.small(t("channels.chosen", count=chosen.length()), class_name="num"),
                class_name="field-label",
            ),
            rx.el.span(
                button(t("channels.fill_type"), kind="quiet small", on_click=State.fill_models("type")),
                button(
                    t("channels.fetch_models"),
                    icon="cloud-download",
                    kind="quiet small",
                    type="submit",
                    on_click=State.intend("fetch"),
                    loading=State.busy == "fetch",
                ),
                button(
                    t("channels.fill_listed"), kind="quiet small", on_click=State.fill_models("candidates")
                ),
                button(t("channels.fill_all"), kind="quiet small", on_click=State.fill_models("all")),
                button(t("channels.clear"), kind="quiet small", on_click=State.fill_models("none")),
                class_name="push quick",
            ),
            class_name="field-head",
        ),
        rx.el.div(
            rx.el.div(
                text_input(
                    State.model_search,
                    State.search_models,
                    delay_ms=150,
                    placeholder=t("channels.search_models"),
                    aria_label=t("channels.search_models"),
                    spell_check=False,
                ),
                rx.cond(
                    State.model_search != "",
                    button(
                        t("channels.add_model"), icon="plus", kind="quiet", on_click=State.add_typed_models
                    ),
                ),
                class_name="chips-head",
            ),
            rx.el.div(
                rx.foreach(State.offered_models, lambda name: _chip(name, chosen, State.toggle_model(name))),
                rx.cond(
                    State.offered_models.length() == 0,
                    rx.el.span(
                        rx.cond(
                            State.model_search != "", t("channels.add_model_hint"), t("channels.no_models")
                        ),
                        class_name="faint",
                    ),
                ),
                class_name="chips",
            ),
            class_name="chips-box",
        ),
        class_name="field",
    )


def _groups() -> rx.Component:
    return rx.el.div(
        rx.el.span(t("channels.groups"), class_name="field-label"),
        rx.el.div(
            rx.foreach(State.known_groups, lambda name: _chip(name, State.groups, State.toggle_group(name))),
            text_input(
                "",
                State.add_group,
                placeholder=t("channels.other_group"),
                aria_label=t("channels.other_group"),
                max_length=32,
                key=State.known_groups.length().to_string(),
                style={"flex": "0 0 104px"},
            ),
            class_name="chip-row",
        ),
        rx.el.span(t("channels.groups_help"), class_name="field-help"),
        class_name="field",
    )


def _chip(name: Any, chosen: Any, on_click: Any) -> rx.Component:
    return rx.el.button(
        name, type="button", class_name="chip", on_click=on_click, aria_pressed=chosen.contains(name)
    )


def _more() -> rx.Component:
    form = State.form
    shown = rx.el.div(
        _mapping(),
        field(
            t("channels.system_prompt"),
            text_area(form.system_prompt, rows=3, name="system_prompt"),
            optional=t("shell.optional"),
            help=t("channels.system_prompt_help"),
        ),
        rx.el.div(
            field(
                t("channels.priority"),
                text_input(form.priority.to_string(), name="priority", input_mode="numeric"),
                help=t("channels.priority_help"),
            ),
            field(
                t("channels.weight"),
                text_input(form.weight.to_string(), name="weight", input_mode="numeric"),
                help=t("channels.weight_help"),
            ),
            class_name="pair",
        ),
        class_name="more",
        hidden=~State.more,
    )
    return rx.el.div(
        rx.el.button(
            rx.cond(State.more, rx.icon("chevron-down", size=15), rx.icon("chevron-right", size=15)),
            t("channels.more"),
            type="button",
            class_name="more-button",
            on_click=State.show_more,
            aria_expanded=State.more,
        ),
        shown,
    )


def _mapping() -> rx.Component:
    table = rx.el.div(
        rx.foreach(State.renamings, _renaming),
        button(t("channels.add_renaming"), icon="plus", kind="quiet small", on_click=State.add_renaming),
        class_name="renamings",
    )
    raw = text_area(
        State.mapping_text,
        State.set_mapping_text,
        rows=5,
        mono=True,
        placeholder='{"gpt-4o": "my-deployment"}',
        aria_label=t("channels.mapping"),
        spell_check=False,
    )
    return rx.el.div(
        rx.el.div(
            rx.el.span(t("channels.mapping"), rx.el.small(t("shell.optional")), class_name="field-label"),
            rx.el.span(
                segmented(
                    [("table", t("channels.table")), ("raw", "JSON")],
                    rx.cond(State.mapping_raw, "raw", "table"),
                    lambda value: State.show_raw_mapping(value == "raw"),
                    t("channels.mapping"),
                ),
                class_name="push",
            ),
            class_name="field-head",
        ),
        rx.cond(State.mapping_raw, raw, table),
        rx.cond(
            State.unlisted.length() > 0,
            rx.el.span(
                t("channels.unlisted", models=State.unlisted.join(", ")),
                button(t("channels.add_model"), kind="quiet small", on_click=State.list_sources),
                class_name="field-note",
            ),
        ),
        rx.el.span(t("channels.mapping_help"), class_name="field-help"),
        class_name="field",
    )


def _renaming(line: Any) -> rx.Component:
    return rx.el.div(
        text_input(
            line.source,
            lambda text: State.set_source(line.id, text),
            placeholder=t("channels.asked_model"),
            aria_label=t("channels.asked_model"),
            spell_check=False,
        ),
        rx.icon("arrow-right", size=14),
        text_input(
            line.target,
            lambda text: State.set_target(line.id, text),
            placeholder=t("channels.real_model"),
            aria_label=t("channels.real_model"),
            spell_check=False,
        ),
        icon_button("x", t("shell.delete"), on_click=State.drop_renaming(line.id)),
        class_name="renaming",
        key=line.id,
    )


def _trial() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            button(
                t("channels.try_it"),
                icon="flask-conical",
                type="submit",
                on_click=State.intend("test"),
                loading=State.busy == "test",
            ),
            select(
                State.chosen_models.foreach(lambda name: [name, name]).to(list[list[str]]),
                value=State.trial_model,
                on_change=State.choose_trial_model,
                aria_label=t("channels.model"),
            ),
            rx.el.small(t("channels.try_help")),
            class_name="trial-head",
        ),
        outcome_box(State.outcome),
        class_name="trial",
    )
