"""The frame around a page's content: the theme's navigation, the phone's bar, the guard, the palette."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from oneapi_app.console import client
from oneapi_app.console.components.layout import skeleton
from oneapi_app.console.i18n import t
from oneapi_app.console.page import PUBLIC, Page
from oneapi_app.console.shell.parts import footer, palette, phone_bar
from oneapi_app.console.themes import LOOKS


def drawing(page: Page) -> Callable[[], rx.Component]:
    """How Reflex draws the whole page when it compiles; serving needs only the states."""

    def draw() -> rx.Component:
        content = page.content() if page.guard == PUBLIC else _guarded(page)
        return _frame(content, t(page.title), bare=page.bare)

    draw.__module__ = page.content.__module__  # Reflex groups what a page is made of by this
    return draw


def drawing_not_found(content: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
    """The page for addresses without one; it is not in the registry, for it has no address."""
    return lambda: _frame(content(), t("public.lost"), bare=False)


def boot_screen() -> rx.Component:
    """In the page's source, until the scripts have arrived."""
    return rx.el.div(rx.el.img(src="/logo.svg", alt=""), class_name="boot")


def _frame(content: rx.Component, title: Any, *, bare: bool) -> rx.Component:
    inner = content
    if not bare:
        inner = rx.el.div(
            _surroundings(),
            rx.el.div(rx.el.main(content, id="content"), footer(), class_name="body"),
            class_name="frame",
        )
    return rx.theme(
        client.PageTitle.create(title=title),
        inner,
        accent_color=_by_look(lambda look: look.accent),
        gray_color=_by_look(lambda look: look.gray),
        radius=_by_look(lambda look: look.radius),
        has_background=False,
        class_name="console",
    )


@rx.memo
def _surroundings() -> rx.Component:
    """What every page has around it, compiled once."""
    return rx.fragment(phone_bar(), _by_look(lambda look: look.navigation()), palette())


def _guarded(page: Page) -> rx.Component:
    waiting = rx.el.div(
        skeleton("180px", "24px"), skeleton("100%", "96px"), skeleton("100%", "260px"), class_name="waiting"
    )
    return rx.cond(client.viewer("role") >= page.guard, page.content(), waiting)


def _by_look(pick: Any) -> Any:
    """What the look in use says; the first look when it is unknown."""
    first, *others = LOOKS
    return rx.match(client.site("theme"), *((look.name, pick(look)) for look in others), pick(first))
