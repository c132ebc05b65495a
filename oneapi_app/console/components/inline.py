"""Values edited where they stand; see ``client/inline.jsx``."""

from typing import Any

import reflex as rx


def _whole(value: rx.Var[int]) -> tuple[rx.Var[int]]:
    return (value,)


def _decimal(value: rx.Var[float]) -> tuple[rx.Var[float]]:
    return (value,)


class NumberCell(rx.Component):
    """A number in a table's cell."""

    library = "$/console/inline"
    tag = "NumberCell"
    value: rx.Var[int | float]
    min: rx.Var[int]
    decimals: rx.Var[bool]
    label: rx.Var[str]
    on_commit: rx.EventHandler[_whole, _decimal]


def number_cell(
    value: Any, on_commit: Any, *, label: Any, minimum: int | None = None, decimals: bool = False
) -> rx.Component:
    """``on_commit`` gets the number once it was changed: by Enter, or by leaving the field."""
    limits = {} if minimum is None else {"min": minimum}
    return NumberCell.create(value=value, on_commit=on_commit, label=label, decimals=decimals, **limits)
