"""Handing a table to the browser as a file."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import reflex as rx

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_download(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> rx.event.EventSpec:
    """Return it from a handler: the browser saves ``name`` (with ``.csv``)."""
    return rx.download(data=write_csv(header, rows).encode(), filename=name)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV that spreadsheets open as UTF-8, and whose texts they do not run as formulas."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return out.getvalue()


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
