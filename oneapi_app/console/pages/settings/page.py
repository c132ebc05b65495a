"""The settings pages."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ROOT
from oneapi_app.console import client, routes
from oneapi_app.console.components import card, date_time, facts, form_error, time_ago
from oneapi_app.console.i18n import t
from oneapi_app.console.page import MenuEntry, page
from oneapi_app.console.pages.settings.facts import FactsState
from oneapi_app.console.pages.settings.mail_trial import MailTrialState, mail_trial
from oneapi_app.console.pages.settings.parts import State, sections, settings_frame
from oneapi_app.console.pages.settings.price_state import PriceState
from oneapi_app.console.pages.settings.prices import price_tables
from oneapi_app.console.pages.settings.sections import OPERATION, OTHER, SYSTEM
from oneapi_app.console.pages.settings.state import SettingsState
from oneapi_app.options import THEMES

_Facts: Any = FactsState


@page(
    routes.SETTINGS,
    title="settings.title",
    guard=ROOT,
    menu=MenuEntry("settings", order=40, section="admin"),
    on_load=SettingsState.open,
)
def operation_page() -> rx.Component:
    return settings_frame("operation", sections(OPERATION))


@page(routes.SETTINGS_PRICES, title="settings.tab_prices", guard=ROOT, on_load=PriceState.open)
def prices_page() -> rx.Component:
    return settings_frame("prices", price_tables())


@page(
    routes.SETTINGS_SYSTEM,
    title="settings.tab_system",
    guard=ROOT,
    on_load=[SettingsState.open, MailTrialState.open],
)
def system_page() -> rx.Component:
    return settings_frame("system", sections(SYSTEM, below={"mail": mail_trial()}))


@page(
    routes.SETTINGS_OTHER,
    title="settings.tab_other",
    guard=ROOT,
    on_load=[SettingsState.open, FactsState.open],
)
def other_page() -> rx.Component:
    return settings_frame("other", sections(OTHER, _looks(), _installation()))


def _looks() -> rx.Component:
    """The themes, each as a small picture of itself."""

    def look(name: str) -> rx.Component:
        picture = rx.el.span(
            rx.el.i(class_name="bar"),
            rx.el.i(class_name="body"),
            class_name="look-picture",
            aria_hidden="true",
        )
        return rx.el.button(
            picture,
            rx.el.span(t(f"settings.theme_{name}"), class_name="strong"),
            rx.el.small(t(f"settings.theme_{name}_help")),
            type="button",
            class_name="look",
            aria_pressed=client.site("theme") == name,
            on_click=State.choose_theme(name),
            custom_attrs={"data-look": name},
        )

    return card(
        rx.el.div(*(look(name) for name in THEMES), class_name="looks"),
        rx.cond(State.failed == "theme", form_error(State.error)),
        title=t("settings.theme"),
    )


def _installation() -> rx.Component:
    return card(
        facts(
            (t("settings.version"), rx.el.span(_Facts.version, class_name="num")),
            (
                t("settings.started"),
                rx.el.span(date_time(_Facts.started_at), " · ", time_ago(_Facts.started_at)),
            ),
            (t("settings.database"), rx.el.span(_Facts.database, class_name="num")),
            (t("settings.database_size"), rx.el.span(_Facts.size, class_name="num")),
            (t("settings.in_flight"), rx.el.span(_Facts.in_flight, class_name="num")),
            (t("settings.unsettled"), rx.el.span(_Facts.unsettled, class_name="num")),
            (t("settings.resting"), rx.el.span(_Facts.resting, class_name="num")),
        ),
        title=t("settings.installation"),
    )
