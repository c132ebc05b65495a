"""The ratio tables as the prices page draws them."""

from typing import Any

import reflex as rx

from oneapi_app.console.components import (
    button,
    form_error,
    icon_button,
    search_field,
    segmented,
    skeleton,
    tag,
    text_area,
    toolbar,
)
from oneapi_app.console.components.inline import number_cell
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.pages.settings.price_state import SHOWN_ROWS, TABLES, PriceState
from oneapi_app.options import attribute_name

State: Any = PriceState


def price_tables() -> rx.Component:
    return rx.cond(State.loaded, _tables(), skeleton("100%", "320px"))


def _tables() -> rx.Component:
    return rx.fragment(
        toolbar(
            segmented(
                [(name, t(f"settings.{attribute_name(name)}")) for name in TABLES],
                State.table,
                State.choose,
                t("settings.tab_prices"),
            ),
            rx.el.span(class_name="push"),
            segmented(
                [("table", t("settings.as_table")), ("raw", "JSON")],
                rx.cond(State.raw, "raw", "table"),
                State.show_raw,
                t("settings.as_table"),
            ),
        ),
        rx.el.p(t_dynamic("settings", State.table.to(str) + "_help"), class_name="card-intro"),
        form_error(State.error),
        rx.cond(State.raw, _raw(), _table()),
        _save_bar(),
    )


def _raw() -> rx.Component:
    return text_area(
        State.raw_text, State.set_raw_text, rows=24, mono=True, spell_check=False, aria_label="JSON"
    )


def _table() -> rx.Component:
    only = ("all", "differing", "unsaved")
    return rx.fragment(
        toolbar(
            search_field(State.search, State.search_for, t("settings.search_names")),
            segmented(
                [(name, t(f"settings.only_{name}")) for name in only],
                State.only,
                State.show_only,
                t("shell.filters"),
            ),
            rx.el.span(
                t("settings.counts", total=State.total, differing=State.differing), class_name="faint num"
            ),
            rx.el.span(class_name="push"),
            rx.el.form(
                rx.el.input(
                    name="name",
                    class_name="input",
                    placeholder=t("shell.name"),
                    aria_label=t("shell.name"),
                    auto_complete="off",
                    max_length=191,
                ),
                rx.el.input(
                    name="ratio",
                    class_name="input narrow",
                    placeholder=t("settings.ratio"),
                    aria_label=t("settings.ratio"),
                    input_mode="decimal",
                ),
                button(t("settings.add"), icon="plus", type="submit"),
                on_submit=State.add,
                reset_on_submit=True,
                class_name="add-line",
            ),
        ),
        rx.el.div(
            rx.el.div(
                rx.el.table(
                    rx.el.thead(
                        rx.el.tr(
                            rx.el.th(t("shell.name")),
                            rx.el.th(t("settings.ratio"), custom_attrs={"data-align": "right"}),
                            rx.cond(
                                State.table == "ModelRatio",
                                rx.el.th(t("settings.per_million"), custom_attrs={"data-align": "right"}),
                            ),
                            rx.el.th(t("settings.built_in"), custom_attrs={"data-align": "right"}),
                            rx.el.th(""),
                            rx.el.th(""),
                        )
                    ),
                    rx.el.tbody(rx.foreach(State.rows, _line)),
                ),
                class_name="table-scroll",
            ),
            rx.el.div(
                rx.cond(
                    State.matching > SHOWN_ROWS,
                    t("settings.first_of", shown=SHOWN_ROWS, count=State.matching),
                    t("shell.total", count=State.matching),
                ),
                class_name="table-foot",
            ),
            class_name="table-box ratios",
        ),
    )


def _line(line: Any) -> rx.Component:
    right = {"data-align": "right"}
    tone = rx.match(line.state, ("changed", "warn"), ("added", "info"), "quiet")
    return rx.el.tr(
        rx.el.td(rx.el.code(line.name), custom_attrs={"data-phone": "title"}),
        rx.el.td(
            number_cell(
                line.ratio,
                lambda ratio: State.set_ratio(line.name, ratio),
                label=line.name,
                minimum=0,
                decimals=True,
            ),
            custom_attrs={**right, "data-label": t("settings.ratio")},
        ),
        rx.cond(
            State.table == "ModelRatio",
            rx.el.td(line.price, custom_attrs={**right, "data-label": t("settings.per_million")}),
        ),
        rx.el.td(
            rx.cond(line.state == "added", "–", line.built_in),
            custom_attrs={**right, "data-label": t("settings.built_in")},
            class_name="faint",
        ),
        rx.el.td(
            rx.cond(
                line.state == "same", "", tag(t_dynamic("settings", "ratio_" + line.state.to(str)), tone)
            ),
            custom_attrs={"data-phone": "select"},
        ),
        rx.el.td(
            rx.cond(
                State.table == "GroupRatio",
                icon_button("trash-2", t("shell.delete"), on_click=State.remove(line.name)),
                rx.cond(
                    line.state == "same",
                    "",
                    icon_button(
                        "undo-2",
                        rx.cond(line.state == "added", t("shell.delete"), t("settings.restore")),
                        on_click=State.restore(line.name),
                    ),
                ),
            ),
            custom_attrs={**right, "data-phone": "actions"},
        ),
        key=line.name,
    )


def _save_bar() -> rx.Component:
    dirty = (State.unsaved > 0) | State.raw
    return rx.el.div(
        rx.cond(
            State.unsaved > 0,
            rx.el.span(t("settings.unsaved", count=State.unsaved), class_name="num"),
            rx.el.span(t("settings.effective"), class_name="faint"),
        ),
        rx.el.span(class_name="push"),
        button(
            t("settings.restore_all"), kind="quiet", on_click=State.restore_all, disabled=State.differing == 0
        ),
        button(t("settings.discard"), on_click=State.discard, disabled=~dirty),
        button(t("shell.save"), kind="primary", on_click=State.save, disabled=~dirty),
        class_name="save-bar",
    )
