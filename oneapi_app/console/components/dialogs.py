"""Dialogs, confirmations and drawers: focus stays inside, Esc closes."""

from typing import Any

import reflex as rx

from oneapi_app.console.components.controls import button, icon_button
from oneapi_app.console.i18n import t


def dialog(
    open: Any,
    on_open_change: Any,
    title: Any,
    *children: Any,
    actions: tuple[rx.Component, ...] = (),
    description: Any = None,
    wide: bool = False,
) -> rx.Component:
    """A dialog over the page. ``on_open_change`` gets False when it is to close; ``actions`` stand at its foot."""
    return rx.dialog.root(
        rx.dialog.content(
            _head(title, description),
            rx.el.div(*children, class_name="dialog-body"),
            *([rx.el.div(*actions, class_name="dialog-foot")] if actions else []),
            class_name="dialog wide" if wide else "dialog",
            **_described(description),
        ),
        open=open,
        on_open_change=on_open_change,
    )


def form_dialog(
    open: Any,
    on_open_change: Any,
    title: Any,
    *children: Any,
    on_submit: Any,
    submit_label: Any,
    loading: Any = None,
    description: Any = None,
    wide: bool = False,
) -> rx.Component:
    """A dialog that is a form: Enter submits; ``on_submit`` gets the named fields as a dict of texts."""
    return rx.dialog.root(
        rx.dialog.content(
            _head(title, description),
            rx.form(
                rx.el.div(*children, class_name="dialog-body"),
                rx.el.div(
                    rx.dialog.close(button(t("shell.cancel"))),
                    button(submit_label, kind="primary", type="submit", loading=loading),
                    class_name="dialog-foot",
                ),
                on_submit=on_submit,
                reset_on_submit=False,
            ),
            class_name="dialog wide" if wide else "dialog",
            **_described(description),
        ),
        open=open,
        on_open_change=on_open_change,
    )


def confirm_dialog(
    open: Any,
    on_open_change: Any,
    *,
    title: Any,
    text: Any,
    confirm_label: Any,
    on_confirm: Any,
    loading: Any = None,
) -> rx.Component:
    """Before something that cannot be undone. ``title`` or ``text`` must name the object."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, size="3"),
            rx.alert_dialog.description(text, size="2", color_scheme="gray"),
            rx.el.div(
                rx.alert_dialog.cancel(button(t("shell.cancel"))),
                button(confirm_label, kind="danger", on_click=on_confirm, loading=loading),
                class_name="dialog-foot",
            ),
            class_name="dialog narrow",
        ),
        open=open,
        on_open_change=on_open_change,
    )


def drawer(
    open: Any, on_open_change: Any, title: Any, *children: Any, actions: tuple[rx.Component, ...] = ()
) -> rx.Component:
    """A panel from the right (from below on phones) for the details of one row."""
    return rx.dialog.root(
        rx.dialog.content(
            _head(title, None),
            rx.el.div(*children, class_name="dialog-body"),
            *([rx.el.div(*actions, class_name="dialog-foot")] if actions else []),
            class_name="drawer",
            **_described(None),
        ),
        open=open,
        on_open_change=on_open_change,
    )


def facts(*pairs: tuple[Any, Any]) -> rx.Component:
    """Names and values in two columns, as drawers show them."""
    return rx.el.dl(
        *(part for name, value in pairs for part in (rx.el.dt(name), rx.el.dd(value))), class_name="facts"
    )


def _head(title: Any, description: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.dialog.title(title, size="3"),
            *(
                []
                if description is None
                else [rx.dialog.description(description, size="2", color_scheme="gray")]
            ),
        ),
        rx.dialog.close(icon_button("x", t("shell.close"))),
        class_name="dialog-head",
    )


def _described(description: Any) -> dict[str, Any]:
    # Radix asks for a description or for saying that there is none.
    return {} if description is not None else {"custom_attrs": {"aria-describedby": "undefined"}}
