"""Charts over rows the server has already summed up; drawn by ``client/charts.jsx`` with Recharts."""

from typing import Any

import reflex as rx

CHARTS = "$/console/charts"
RECHARTS = "recharts@3.10.1"


class StackedBars(rx.Component):
    """Bars stacked by series. See ``stacked_bars``."""

    library = CHARTS
    tag = "StackedBars"
    lib_dependencies: list[str] = [RECHARTS]
    data: rx.Var[list[dict[str, Any]]]
    series: rx.Var[list[str]]
    unit: rx.Var[str]
    height: rx.Var[int]
    label: rx.Var[str]


class Lines(rx.Component):
    """One line per series. See ``lines``."""

    library = CHARTS
    tag = "Lines"
    lib_dependencies: list[str] = [RECHARTS]
    data: rx.Var[list[dict[str, Any]]]
    series: rx.Var[list[str]]
    unit: rx.Var[str]
    height: rx.Var[int]
    label: rx.Var[str]


class Sparkline(rx.Component):
    """A line without axes. See ``sparkline``."""

    library = CHARTS
    tag = "Sparkline"
    lib_dependencies: list[str] = [RECHARTS]
    values: rx.Var[list[float]]


def stacked_bars(
    data: Any, series: Any, *, label: Any, unit: Any = "count", height: int = 260
) -> rx.Component:
    """``data``: one dict per bar, ``{"at": epoch seconds, "<series>": number, ...}``; ``series`` in stacking order.

    ``at`` is the bar's start; bars a day apart are labelled by day, closer ones by hour. ``unit``: quota (shown as
    money), count, tokens, ms. ``label`` names the chart for screen readers.
    """
    return StackedBars.create(data=data, series=series, unit=unit, height=height, label=label)


def lines(data: Any, series: Any, *, label: Any, unit: Any = "count", height: int = 220) -> rx.Component:
    """The same data as lines."""
    return Lines.create(data=data, series=series, unit=unit, height=height, label=label)


def sparkline(values: Any) -> rx.Component:
    """A trend without numbers, as wide as its box."""
    return Sparkline.create(values=values)
