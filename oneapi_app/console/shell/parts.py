"""The pieces themes arrange: brand, menu, account, language, light and dark, palette, the phone's bar."""

from typing import Any

import reflex as rx
from reflex.style import LiteralColorMode, set_color_mode

from oneapi_app.actor import ADMIN, COMMON
from oneapi_app.console import client, routes
from oneapi_app.console.components.controls import icon_button, link_button, menu, menu_item, menu_separator
from oneapi_app.console.components.values import money, tag
from oneapi_app.console.i18n import CLIENT, t
from oneapi_app.console.page import Page, menu_pages


class NavLink(rx.Component):
    """A link that knows whether it is the page shown (``aria-current``)."""

    library = CLIENT
    tag = "NavLink"
    to: rx.Var[str]
    label: rx.Var[str]


class Palette(rx.Component):
    """The ⌘K dialog over ``entries`` of ``{label, href, section}``."""

    library = CLIENT
    tag = "Palette"
    entries: rx.Var[list[dict[str, Any]]]
    placeholder: rx.Var[str]


def signed_in() -> rx.Var[bool]:
    return client.viewer("role") >= COMMON


def brand() -> rx.Component:
    """Logo and name, leading home."""
    mark = rx.cond(
        client.site("logo") != "",
        rx.el.img(src=client.site("logo"), alt="", class_name="brand-logo"),
        rx.el.img(src="/logo.svg", alt="", class_name="brand-logo"),
    )
    return rx.link(
        mark, rx.el.span(client.site("name")), href=routes.FRONT, class_name="brand", underline="none"
    )


def nav_link(page: Page, *, close: bool = False) -> rx.Component:
    icon = page.menu.icon if page.menu else "circle"
    link = NavLink.create(
        rx.icon(icon, size=16), rx.el.span(t(page.title)), to=page.path, label=t(page.title)
    )
    return rx.cond(
        client.viewer("role") >= page.guard, rx.dialog.close(link) if close else link, rx.fragment()
    )


def nav_links(section: str, *, close: bool = False) -> list[rx.Component]:
    """The menu entries of a section this viewer may open."""
    return [nav_link(page, close=close) for page in menu_pages(section)]


def nav_groups(*, close: bool = False) -> rx.Component:
    """All entries under headings, for side bars and the phone's drawer."""
    return rx.el.nav(
        rx.el.div(*nav_links("main", close=close), class_name="nav-group"),
        rx.cond(
            client.viewer("role") >= ADMIN,
            rx.el.div(
                rx.el.div(t("shell.administration"), class_name="nav-heading"),
                *nav_links("admin", close=close),
                class_name="nav-group",
            ),
        ),
        rx.el.div(*nav_links("account", close=close), class_name="nav-group nav-last"),
        aria_label=t("shell.menu"),
        class_name="nav-groups",
    )


def account_menu() -> rx.Component:
    """Who is signed in: balance, group, sign out."""
    trigger = rx.el.button(
        rx.el.span(client.viewer("name").to(str)[:1].upper(), class_name="avatar"),
        rx.el.span(client.viewer("name"), class_name="account-name"),
        rx.icon("chevrons-up-down", size=13),
        type="button",
        class_name="account",
        aria_label=t("shell.account"),
    )
    return menu(
        trigger,
        rx.el.div(
            rx.el.b(client.viewer("name")),
            rx.el.span(money(client.viewer("quota")), tag(client.viewer("group"))),
            class_name="account-facts",
        ),
        menu_separator(),
        *(
            menu_item(
                t(page.title), icon=page.menu.icon if page.menu else None, on_click=rx.redirect(page.path)
            )
            for page in menu_pages("account")
        ),
        menu_item(t("shell.sign_out"), icon="log-out", on_click=client.sign_out()),
    )


def account_corner() -> rx.Component:
    """The account menu, or the way to sign in."""
    return rx.cond(
        signed_in(), account_menu(), link_button(t("shell.sign_in"), routes.SIGN_IN, kind="primary")
    )


def language_switch() -> rx.Component:
    """To the other language, at once."""
    return rx.cond(
        client.locale() == "zh",
        _letter_button("EN", "Switch to English", client.set_locale("en")),
        _letter_button("中", "切换到中文", client.set_locale("zh")),
    )


def mode_switch() -> rx.Component:
    """Light, dark, or as the system has it."""
    choices: tuple[tuple[LiteralColorMode, str, str], ...] = (
        ("light", "sun", "shell.light"),
        ("dark", "moon", "shell.dark"),
        ("system", "monitor", "shell.system"),
    )
    return menu(
        rx.el.button(
            rx.color_mode_cond(rx.icon("sun", size=16), rx.icon("moon", size=16)),
            type="button",
            class_name="button square quiet",
            title=t("shell.mode"),
            aria_label=t("shell.mode"),
        ),
        *(menu_item(t(text), icon=icon, on_click=set_color_mode(mode)) for mode, icon, text in choices),
    )


def palette_trigger() -> rx.Component:
    """Opens the palette; also by ⌘K."""
    return rx.cond(
        signed_in(),
        icon_button(
            "command",
            t("shell.palette"),
            on_click=rx.call_script("oneapi.openPalette()"),
            shortcut="mod+k",
        ),
    )


def palette() -> rx.Component:
    """Pages by name; opened by ``palette_trigger``."""
    pages = [page for section in ("main", "admin", "account") for page in menu_pages(section)]
    entries = [{"label": t(page.title), "href": page.path, "guard": page.guard} for page in pages]
    return Palette.create(entries=entries, placeholder=t("shell.palette_hint"))


def tools() -> rx.Component:
    """Palette, language, mode, in a row."""
    return rx.el.div(palette_trigger(), language_switch(), mode_switch(), class_name="tools")


def phone_bar() -> rx.Component:
    """On phones all themes have this bar, its button opening the menu as a drawer."""
    drawer = rx.dialog.root(
        rx.dialog.trigger(icon_button("menu", t("shell.menu"))),
        rx.dialog.content(
            rx.dialog.title(t("shell.menu"), class_name="sr-only"),
            rx.el.div(
                brand(), rx.dialog.close(icon_button("x", t("shell.close"))), class_name="phone-menu-head"
            ),
            nav_groups(close=True),
            rx.el.div(account_corner(), tools(), class_name="phone-menu-foot"),
            class_name="phone-menu",
            custom_attrs={"aria-describedby": "undefined"},
        ),
    )
    return rx.el.header(
        rx.cond(signed_in(), drawer),
        brand(),
        rx.el.div(
            rx.cond(signed_in(), rx.fragment(), language_switch()), account_corner(), class_name="push tools"
        ),
        class_name="phone-bar",
    )


def footer() -> rx.Component:
    """The operator's footer, else name and version."""
    return rx.el.footer(
        rx.cond(
            client.site("footer") != "",
            rx.el.div(rx.html(client.site("footer"))),
            rx.el.span(client.site("name"), " ", client.site("version"), class_name="num"),
        ),
        class_name="footer",
    )


def _letter_button(text: str, label: str, on_click: Any) -> rx.Component:
    return rx.el.button(
        text,
        type="button",
        class_name="button square quiet letter",
        title=label,
        aria_label=label,
        on_click=on_click,
    )
