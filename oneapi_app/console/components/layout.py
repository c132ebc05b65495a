"""What pages are composed of: header, cards, figures, empty states, skeletons."""

from typing import Any

import reflex as rx


def page_header(title: Any, *actions: Any, subtitle: Any = None) -> rx.Component:
    """The page's name, and at its right the search field and the one primary action."""
    return rx.el.header(
        rx.el.div(
            rx.el.h1(title), *([] if subtitle is None else [rx.el.p(subtitle)]), class_name="page-title"
        ),
        rx.el.div(*actions, class_name="page-actions"),
        class_name="page-header",
    )


def toolbar(*children: Any) -> rx.Component:
    """Filters and switches above a table."""
    return rx.el.div(*children, class_name="toolbar")


def card(
    *children: Any, title: Any = None, actions: tuple[Any, ...] = (), class_name: str = ""
) -> rx.Component:
    """A panel with a hairline border. Never put one inside another."""
    head = rx.el.div(rx.el.h2(title), rx.el.div(*actions), class_name="card-head")
    return rx.el.section(*([] if title is None else [head]), *children, class_name=f"card {class_name}")


def stat_tile(label: Any, value: Any, note: Any = None, *, icon: str | None = None) -> rx.Component:
    """One figure of a dashboard: what, how much, and compared to what."""
    return rx.el.div(
        rx.el.div(*([rx.icon(icon, size=14)] if icon else []), rx.el.span(label), class_name="stat-label"),
        rx.el.div(value, class_name="stat-value"),
        *([] if note is None else [rx.el.div(note, class_name="stat-note")]),
        class_name="stat",
    )


def stat_row(*tiles: Any) -> rx.Component:
    return rx.el.div(*tiles, class_name="stats")


def columns(*children: Any, ratio: str = "even") -> rx.Component:
    """Side by side where there is room. ``ratio``: even, or wide (2 : 1)."""
    return rx.el.div(*children, class_name=f"columns {ratio}")


def stack(*children: Any, gap: int = 16) -> rx.Component:
    return rx.el.div(*children, class_name="stack", style={"gap": f"{gap}px"})


def empty_state(icon: str, title: Any, text: Any, action: rx.Component | None = None) -> rx.Component:
    """Teaches: what this is, and one button."""
    return rx.el.div(
        rx.el.div(rx.icon(icon, size=20), class_name="empty-icon"),
        rx.el.h3(title),
        rx.el.p(text),
        *([] if action is None else [action]),
        class_name="empty",
    )


def skeleton(width: str = "100%", height: str = "14px") -> rx.Component:
    return rx.el.span(class_name="skeleton", style={"width": width, "height": height})


def callout(text: Any, *, tone: Any = "info", icon: str = "info", action: Any = None) -> rx.Component:
    """A sentence that matters on this page."""
    return rx.el.div(
        rx.icon(icon, size=16),
        rx.el.div(text),
        *([] if action is None else [action]),
        class_name="callout",
        custom_attrs={"data-tone": tone},
    )


def help_mark(text: Any) -> rx.Component:
    """A "?" beside a heading: the explanation on hover and focus."""
    return rx.tooltip(
        rx.el.button(rx.icon("circle-help", size=13), class_name="help-mark", type="button", aria_label=text),
        content=text,
    )
