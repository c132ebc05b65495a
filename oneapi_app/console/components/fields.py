"""Form fields: a label, a control, help, and the error of this field."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from oneapi_app.console.i18n import localized


def field(
    label: Any, control: rx.Component, *, help: Any = None, error: Any = None, optional: Any = None
) -> rx.Component:
    """``error`` is a Var of text, or of ``{"zh", "en"}``; empty means none. ``optional`` is a word beside the label."""
    return rx.el.label(
        rx.el.span(label, *([] if optional is None else [rx.el.small(optional)]), class_name="field-label"),
        control,
        *([] if help is None else [rx.el.span(help, class_name="field-help")]),
        *([] if error is None else [_error(error)]),
        class_name="field",
    )


def text_input(value: Any = None, on_change: Any = None, *, delay_ms: int = 0, **props: Any) -> rx.Component:
    """An ``<input>``. With ``delay_ms`` the handler is called when typing pauses; without, when leaving the field.

    Give ``name`` (and ``default_value``) instead of ``value``/``on_change`` inside a form.
    """
    if on_change is None:
        return rx.el.input(class_name="input", **({} if value is None else {"default_value": value}), **props)
    if delay_ms:
        return rx.debounce_input(
            rx.el.input(value=value, on_change=on_change, class_name="input", **props),
            debounce_timeout=delay_ms,
        )
    return rx.el.input(
        default_value=value, on_blur=on_change, key=props.pop("key", None), class_name="input", **props
    )


def password_input(**props: Any) -> rx.Component:
    return rx.el.input(type="password", class_name="input", **props)


def text_area(
    value: Any = None, on_change: Any = None, *, rows: int = 4, mono: bool = False, **props: Any
) -> rx.Component:
    """Handler called when typing pauses."""
    style = "input mono" if mono else "input"
    if on_change is None:
        return rx.el.textarea(
            class_name=style, rows=rows, **({} if value is None else {"default_value": value}), **props
        )
    return rx.debounce_input(
        rx.el.textarea(value=value, on_change=on_change, class_name=style, rows=rows, **props),
        debounce_timeout=300,
    )


def select(
    options: Sequence[tuple[str, Any]] | rx.Var[Any],
    *,
    value: Any = None,
    on_change: Any = None,
    **props: Any,
) -> rx.Component:
    """The platform's own select: right on phones, light on long lists. ``options`` are (value, label) pairs."""
    if isinstance(options, rx.Var):
        items: Any = rx.foreach(options, lambda option: rx.el.option(option[1], value=option[0]))
    else:
        items = rx.fragment(*(rx.el.option(label, value=key) for key, label in options))
    return rx.el.span(
        rx.el.select(
            items,
            **({} if value is None else {"value": value}),
            **({} if on_change is None else {"on_change": on_change}),
            **props,
        ),
        rx.icon("chevrons-up-down", size=13),
        class_name="select",
    )


def switch(checked: Any, on_change: Any, label: Any, **props: Any) -> rx.Component:
    """A bare switch; ``label`` is its accessible name."""
    return rx.switch(checked=checked, on_change=on_change, aria_label=label, size="1", **props)


def switch_row(label: Any, checked: Any, on_change: Any, *, help: Any = None) -> rx.Component:
    """A switch with its label on one line, as in settings."""
    return rx.el.label(
        rx.el.span(
            rx.el.span(label, class_name="field-label"),
            *([] if help is None else [rx.el.span(help, class_name="field-help")]),
        ),
        rx.switch(checked=checked, on_change=on_change, size="1"),
        class_name="switch-row",
    )


def checkbox(label: Any, checked: Any, on_change: Any) -> rx.Component:
    return rx.el.label(
        rx.checkbox(checked=checked, on_change=on_change, size="1"), rx.el.span(label), class_name="check"
    )


def segmented(options: Sequence[tuple[str, Any]], value: Any, on_change: Any, label: Any) -> rx.Component:
    """A few choices side by side. ``on_change`` gets the chosen value."""
    return rx.segmented_control.root(
        *(rx.segmented_control.item(text, value=key) for key, text in options),
        value=value,
        on_change=on_change,
        size="1",
        aria_label=label,
    )


def form_error(text: Any) -> rx.Component:
    """The form's failure above its buttons; nothing when empty. A Var of text or of ``{"zh", "en"}``."""
    shown = _words(text)
    return rx.cond(shown != "", rx.el.p(shown, class_name="form-failure", role="alert"))


def _error(error: Any) -> rx.Component:
    shown = _words(error)
    return rx.cond(shown != "", rx.el.span(shown, class_name="field-error", role="alert"))


def _words(text: Any) -> Any:
    if isinstance(text, rx.Var) and not isinstance(text, rx.vars.StringVar):
        return localized(text)
    return text
