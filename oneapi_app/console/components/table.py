"""The table: server-side pages with a total, sorting, selection; cards with labels on phones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.console.client import ColumnChooser
from oneapi_app.console.components.controls import button, icon_button
from oneapi_app.console.components.fields import select
from oneapi_app.console.components.layout import skeleton
from oneapi_app.console.components.table_state import PAGE_SIZES
from oneapi_app.console.i18n import t

SKELETON_ROWS = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``title`` is a text (``t(...)``) or "" for actions.

    ``cell(row)`` draws; ``sort`` is the name given to the service; ``align`` left or right; ``phone`` says what
    becomes of it on a card: title (its head), line (with its label), actions (top right corner), hide.
    """

    title: Any
    cell: Callable[[Any], Any]
    sort: str | None = None
    align: str = "left"
    phone: str = "line"
    width: str | None = None
    hint: rx.Component | None = None


def data_table(
    state: Any,
    columns: Sequence[Column],
    *,
    empty: rx.Component,
    selectable: bool = False,
    bulk: Sequence[rx.Component] = (),
    on_open: Callable[[Any], Any] | None = None,
    name: str = "",
) -> rx.Component:
    """A table over a ``TableState``. ``empty`` is shown when there is nothing at all, not when nothing matches.

    ``bulk`` are buttons for ``state.selected``; ``on_open(row)`` gives the event of a click on a row. ``name`` is
    the one given to ``column_chooser``.
    """
    everything = [_select_column(state), *columns] if selectable else list(columns)
    filtered = (state.search != "") | (state.active_filters > 0)
    return rx.el.div(
        rx.cond(
            state.loaded & (state.total == 0),
            rx.cond(filtered, _nothing_matches(state), empty),
            rx.el.div(
                *([_bulk_bar(state, bulk)] if bulk else []),
                rx.el.div(
                    rx.el.table(
                        _head(state, everything),
                        rx.el.tbody(
                            rx.cond(
                                state.loaded,
                                rx.foreach(
                                    state.rows, lambda row: _row(state, row, everything, selectable, on_open)
                                ),
                                rx.fragment(*(_skeleton_row(everything) for _ in range(SKELETON_ROWS))),
                            )
                        ),
                    ),
                    class_name="table-scroll",
                ),
                _foot(state),
                class_name="table-box",
            ),
        ),
        class_name="table-area",
        aria_busy=state.loading,
        custom_attrs={"data-table": name},
    )


def column_chooser(name: str, columns: Sequence[Column], *, selectable: bool = False) -> rx.Component:
    """Which columns of the table ``name`` are shown, remembered in this browser. Titles and actions stay."""
    first = 2 if selectable else 1
    choices = [
        {"at": first + number, "label": column.title}
        for number, column in enumerate(columns)
        if column.phone not in ("title", "actions")
    ]
    return ColumnChooser.create(table=name, columns=choices, label=t("shell.columns"))


def _head(state: Any, columns: Sequence[Column]) -> rx.Component:
    return rx.el.thead(rx.el.tr(*(_heading(state, column) for column in columns)))


def _heading(state: Any, column: Column) -> rx.Component:
    attributes = {"data-align": column.align}
    style = {"width": column.width} if column.width else {}
    if column.sort is None:
        return rx.el.th(column.title, column.hint or rx.fragment(), custom_attrs=attributes, style=style)
    ascending, descending = state.sort == column.sort, state.sort == f"-{column.sort}"
    return rx.el.th(
        rx.el.button(
            column.title,
            rx.cond(
                ascending,
                rx.icon("arrow-up", size=12),
                rx.cond(
                    descending,
                    rx.icon("arrow-down", size=12),
                    rx.icon("chevrons-up-down", size=12, class_name="faint"),
                ),
            ),
            type="button",
            on_click=state.sort_by(column.sort),
            class_name="sort",
        ),
        column.hint or rx.fragment(),
        custom_attrs={
            **attributes,
            "aria-sort": rx.cond(ascending, "ascending", rx.cond(descending, "descending", "none")),
        },
        style=style,
    )


def _row(
    state: Any, row: Any, columns: Sequence[Column], selectable: bool, on_open: Callable[[Any], Any] | None
) -> rx.Component:
    attributes = {"data-selected": state.selected.contains(row.id)} if selectable else {}
    click = {} if on_open is None else {"on_click": on_open(row), "class_name": "opens"}
    return rx.el.tr(*(_cell(column, row) for column in columns), key=row.id, custom_attrs=attributes, **click)


def _cell(column: Column, row: Any) -> rx.Component:
    stop: dict[str, Any] = {"on_click": rx.stop_propagation} if column.phone in ("actions", "select") else {}
    return rx.el.td(
        column.cell(row),
        custom_attrs={"data-label": column.title, "data-align": column.align, "data-phone": column.phone},
        **stop,
    )


def _select_column(state: Any) -> Column:
    return Column(
        title=rx.checkbox(
            checked=(state.selected.length() > 0) & (state.selected.length() == state.rows.length()),
            on_change=state.toggle_page,
            size="1",
            aria_label=t("shell.select_all"),
        ),
        cell=lambda row: rx.checkbox(
            checked=state.selected.contains(row.id),
            on_change=state.toggle_row(row.id),
            size="1",
            aria_label=t("shell.select_row"),
        ),
        width="36px",
        phone="select",
    )


def _skeleton_row(columns: Sequence[Column]) -> rx.Component:
    widths = ("70%", "45%", "85%", "60%")
    return rx.el.tr(
        *(rx.el.td(skeleton(widths[i % 4])) for i, _ in enumerate(columns)), class_name="loading-row"
    )


def _bulk_bar(state: Any, actions: Sequence[rx.Component]) -> rx.Component:
    return rx.cond(
        state.selected.length() > 0,
        rx.el.div(
            rx.el.span(t("shell.selected", count=state.selected.length()), class_name="num"),
            *actions,
            icon_button("x", t("shell.clear_selection"), on_click=state.clear_selection),
            class_name="bulk-bar",
        ),
    )


def _foot(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.span(t("shell.total", count=state.total), class_name="num"),
        rx.el.div(
            select(
                [(size, t("shell.per_page", count=size)) for size in PAGE_SIZES],
                value=state.page_size.to_string(),
                on_change=state.set_page_size,
                aria_label=t("shell.page_size"),
            ),
            icon_button(
                "chevron-left",
                t("shell.previous"),
                on_click=state.go_to(state.page - 1),
                disabled=state.page <= 1,
            ),
            rx.el.span(state.page, " / ", state.pages, class_name="num"),
            icon_button(
                "chevron-right",
                t("shell.next"),
                on_click=state.go_to(state.page + 1),
                disabled=state.page >= state.pages,
            ),
            class_name="pager",
        ),
        class_name="table-foot",
    )


def _nothing_matches(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(rx.icon("search-x", size=20), class_name="empty-icon"),
        rx.el.h3(t("shell.nothing_matches")),
        rx.el.p(t("shell.nothing_matches_text")),
        button(t("shell.clear_filters"), on_click=state.clear_filters),
        class_name="empty",
    )
