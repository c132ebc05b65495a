"""Buttons, menus and the search field."""

from typing import Any

import reflex as rx

from oneapi_app.console.i18n import t


def button(
    text: Any,
    *,
    on_click: Any = None,
    icon: str | None = None,
    kind: str = "plain",
    shortcut: str | None = None,
    loading: Any = None,
    **props: Any,
) -> rx.Component:
    """``kind``: primary (one per view), plain, quiet (no border), danger. ``shortcut``: a key that presses it.

    ``loading`` (a Var) disables it and turns its icon into a spinner. Other props (type, disabled, form) pass.
    """
    spinner = rx.el.span(class_name="spinner")
    mark = rx.icon(icon, size=15) if icon else None
    if loading is not None:
        mark = rx.cond(loading, spinner, mark if mark is not None else rx.fragment())
        props.setdefault("disabled", loading)
    return rx.el.button(
        *([] if mark is None else [mark]),
        rx.el.span(text),
        class_name=f"button {kind}",
        type=props.pop("type", "button"),
        **({} if on_click is None else {"on_click": on_click}),
        **_shortcut(shortcut, props),
        **props,
    )


def link_button(
    text: Any, href: Any, *, icon: str | None = None, kind: str = "plain", **props: Any
) -> rx.Component:
    """A link that looks like a button; navigates without a reload inside the console."""
    return rx.link(
        *([rx.icon(icon, size=15)] if icon else []),
        rx.el.span(text),
        href=href,
        class_name=f"button {kind}",
        underline="none",
        **props,
    )


def icon_button(
    icon: str, label: Any, *, on_click: Any = None, kind: str = "quiet", **props: Any
) -> rx.Component:
    """A square button with an icon; ``label`` is its accessible name and hint."""
    return rx.el.button(
        rx.icon(icon, size=16),
        class_name=f"button square {kind}",
        type="button",
        title=label,
        aria_label=label,
        **({} if on_click is None else {"on_click": on_click}),
        **_shortcut(props.pop("shortcut", None), props),
        **props,
    )


def search_field(
    value: Any, on_change: Any, placeholder: Any = None, *, delay_ms: int = 250, shortcut: str = "/"
) -> rx.Component:
    """One search field per page; ``/`` focuses it. ``on_change`` gets the text once typing pauses."""
    hint = t("shell.search") if placeholder is None else placeholder
    return rx.el.label(
        rx.icon("search", size=15),
        rx.debounce_input(
            rx.el.input(
                value=value,
                on_change=on_change,
                type="search",
                placeholder=hint,
                aria_label=hint,
                auto_complete="off",
                spell_check=False,
                custom_attrs={"data-shortcut": shortcut},
            ),
            debounce_timeout=delay_ms,
        ),
        rx.el.kbd(shortcut),
        class_name="search",
    )


def menu(trigger: rx.Component, *items: rx.Component) -> rx.Component:
    """A drop-down menu of ``menu_item``, ``menu_link`` and ``menu_separator``."""
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(trigger),
        rx.dropdown_menu.content(*items, size="1", variant="soft", class_name="menu"),
    )


def row_menu(*items: rx.Component) -> rx.Component:
    """The "…" at the end of a table row."""
    return menu(icon_button("ellipsis", t("shell.more")), *items)


def menu_item(
    text: Any, *, on_click: Any = None, icon: str | None = None, danger: bool = False, **props: Any
) -> rx.Component:
    return rx.dropdown_menu.item(
        *([rx.icon(icon, size=14)] if icon else []),
        text,
        **({} if on_click is None else {"on_select": on_click}),
        **({"color": "red"} if danger else {}),
        **props,
    )


def menu_link(text: Any, href: Any, *, icon: str | None = None) -> rx.Component:
    return rx.dropdown_menu.item(
        rx.link(*([rx.icon(icon, size=14)] if icon else []), text, href=href, underline="none"),
        as_child=False,
    )


def menu_separator() -> rx.Component:
    return rx.dropdown_menu.separator()


def _shortcut(key: str | None, props: dict[str, Any]) -> dict[str, Any]:
    attributes = props.pop("custom_attrs", {})
    if key:
        attributes = {**attributes, "data-shortcut": key}
    return {"custom_attrs": attributes} if attributes else {}
