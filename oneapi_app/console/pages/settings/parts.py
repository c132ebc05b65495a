"""What the settings pages are drawn of: tabs, and a card per section."""

from collections.abc import Mapping
from typing import Any

import reflex as rx

from oneapi_app.console import routes
from oneapi_app.console.client import OperatorContent
from oneapi_app.console.components import (
    button,
    card,
    field,
    form_error,
    page_header,
    password_input,
    segmented,
    skeleton,
    stack,
    switch_row,
    text_area,
    text_input,
)
from oneapi_app.console.components.values import money
from oneapi_app.console.i18n import t
from oneapi_app.console.pages.settings.sections import Entry, Kind, Section
from oneapi_app.console.pages.settings.state import SettingsState

State: Any = SettingsState
TABS = (
    (routes.SETTINGS, "operation"),
    (routes.SETTINGS_PRICES, "prices"),
    (routes.SETTINGS_SYSTEM, "system"),
    (routes.SETTINGS_OTHER, "other"),
)


def settings_frame(current: str, *children: Any) -> rx.Component:
    """Header and tabs around one of the settings pages."""
    tabs = rx.el.nav(
        *(
            rx.link(
                t(f"settings.tab_{name}"),
                href=path,
                underline="none",
                class_name="tab",
                custom_attrs={"aria-current": "page"} if name == current else {},
            )
            for path, name in TABS
        ),
        class_name="tabs",
        aria_label=t("settings.title"),
    )
    return rx.fragment(page_header(t("settings.title")), tabs, *children)


def sections(
    cards: tuple[Section, ...], *more: rx.Component, below: Mapping[str, rx.Component] | None = None
) -> rx.Component:
    """The cards, or their skeletons until the options have been read. ``below``: what ends a section's card."""
    ends = below or {}
    return rx.cond(
        State.loaded,
        rx.el.div(
            *(section_card(section, ends.get(section.name)) for section in cards),
            *more,
            class_name="settings",
        ),
        stack(*(skeleton("100%", "160px") for _ in range(3))),
    )


def section_card(section: Section, end: rx.Component | None = None) -> rx.Component:
    intro = [rx.el.p(t(section.intro), class_name="card-intro")] if section.intro else []
    switches = [
        switch_row(
            t(entry.label),
            State.values[entry.option] == "true",
            State.switch(entry.option),
            help=t(entry.help) if entry.help else None,
        )
        for entry in section.switches
    ]
    error = rx.cond(State.failed == section.name, form_error(State.error))
    form = rx.form(
        *(_field(entry) for entry in section.fields),
        error,
        rx.el.div(button(t("shell.save"), type="submit"), class_name="form-foot"),
        on_submit=lambda entered: State.save(section.name, entered),
        reset_on_submit=False,
        class_name="form-stack",
        key=State.serials[section.name],
    )
    return card(
        *intro,
        rx.el.div(*switches, class_name="switches") if switches else rx.fragment(),
        form if section.fields else error,
        *([] if end is None else [end]),
        title=t(section.title),
    )


def _field(entry: Entry) -> rx.Component:
    help = t(entry.help) if entry.help else None
    value = State.values[entry.option]
    match entry.kind:
        case Kind.WRITE_ONLY:
            return _secret(entry, help)
        case Kind.DOCUMENT:
            return _document(entry)
        case Kind.LIST:
            control = text_area(value.replace(",", ", "), rows=3, name=entry.option)
        case Kind.QUOTA:
            control = rx.el.div(
                text_input(value, name=entry.option, input_mode="numeric"),
                rx.el.span(money(value.to(int)), class_name="beside"),
                class_name="with-beside",
            )
        case Kind.NUMBER:
            control = text_input(value, name=entry.option, input_mode="decimal")
        case _:
            control = text_input(value, name=entry.option, auto_complete="off", spell_check=False)
    return field(t(entry.label), control, help=help)


def _secret(entry: Entry, help: Any) -> rx.Component:
    is_set = State.secrets.contains(entry.option)
    return field(
        t(entry.label),
        rx.el.div(
            password_input(
                name=entry.option,
                auto_complete="new-password",
                placeholder=rx.cond(is_set, t("settings.secret_set"), t("settings.secret_unset")),
            ),
            rx.cond(
                is_set,
                button(t("settings.forget"), kind="quiet", on_click=State.forget_secret(entry.option)),
            ),
            class_name="with-beside",
        ),
        help=help,
    )


def _document(entry: Entry) -> rx.Component:
    previewing = State.shown_draft == entry.option
    draft = State.drafts[entry.option]
    return rx.el.div(
        rx.el.div(
            rx.el.span(t(entry.label), class_name="field-help"),
            rx.el.span(
                segmented(
                    [("edit", t("shell.edit")), ("preview", t("settings.preview"))],
                    rx.cond(previewing, "preview", "edit"),
                    lambda how: State.show_draft(entry.option, how),
                    t("settings.preview"),
                ),
                class_name="push",
            ),
            class_name="field-head",
        ),
        rx.el.div(
            text_area(
                draft,
                lambda text: State.type_draft(entry.option, text),
                rows=6,
                name=entry.option,
                aria_label=t(entry.label),
            ),
            hidden=previewing,
        ),
        rx.cond(
            previewing,
            rx.el.div(
                OperatorContent.create(content=draft, title=t(entry.label)), class_name="preview prose"
            ),
        ),
        class_name="field",
    )
