"""The page decorator and the registry it fills: address, title, guard, menu entry, what runs on load.

Menus are drawn from the registry, so a page that does not exist has no entry. Must not import pages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN, COMMON, ROOT

PUBLIC = 0
"""Guard of pages anybody may open."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """Where the page stands in menus: ``section`` is main, admin or account; then by ``order``."""

    icon: str
    order: int
    section: str = "main"


@dataclass(frozen=True, slots=True)
class Page:
    """One registered page. ``title`` is a catalog key, ``guard`` the least role that may see it."""

    path: str
    title: str
    guard: int
    menu: MenuEntry | None
    bare: bool
    on_load: tuple[Any, ...]
    content: Callable[[], rx.Component]


PAGES: dict[str, Page] = {}


def page(
    path: str,
    *,
    title: str,
    guard: int,
    menu: MenuEntry | None = None,
    on_load: Any = (),
    bare: bool = False,
) -> Callable[[Callable[[], rx.Component]], Callable[[], rx.Component]]:
    """Registers a page under the console's frame.

    ``guard`` is PUBLIC, COMMON, ADMIN or ROOT: whoever may not see it is led to sign-in or home, and the
    content is not drawn. That is courtesy; what protects data is each handler's own check. ``bare`` pages
    (sign-in) come without navigation. ``on_load`` is a handler or several.
    """
    if guard not in (PUBLIC, COMMON, ADMIN, ROOT):
        raise ValueError(f"{path}: unknown guard {guard}")
    handlers = tuple(on_load) if isinstance(on_load, Sequence) else (on_load,)

    def register(content: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        if path in PAGES:
            raise ValueError(f"two pages at {path}")
        PAGES[path] = Page(path, title, guard, menu, bare, handlers, content)
        return content

    return register


def menu_pages(section: str) -> list[Page]:
    """Pages with an entry in that section, in order."""
    entries = [p for p in PAGES.values() if p.menu and p.menu.section == section]
    return sorted(entries, key=lambda p: p.menu.order if p.menu else 0)


def load_pages() -> dict[str, Page]:
    """Imports every ``pages/<area>/page.py`` and returns the registry."""
    package = import_module("oneapi_app.console.pages")
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith(".page"):
            import_module(module.name)
    return PAGES
