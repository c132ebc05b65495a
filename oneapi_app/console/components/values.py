"""Values as people read them: money, numbers, times, states, secrets."""

from typing import Any, Literal

import reflex as rx

from oneapi_app.console import client

Tone = Literal["good", "bad", "warn", "info", "quiet"]


def money(units: Any, digits: int | None = None) -> rx.Component:
    """Quota units as money (``digits`` after the point; default depends on size), raw units on hover."""
    return client.Quota.create(units=units, **({} if digits is None else {"digits": digits}))


def count(value: Any) -> rx.Component:
    """12.3k, exact on hover."""
    return client.Count.create(value=value)


def duration(ms: Any) -> rx.Component:
    return client.Duration.create(ms=ms)


def time_ago(at: Any, empty: Any = "–") -> rx.Component:
    """Epoch seconds as "3 minutes ago"; ``empty`` stands for 0 and less."""
    return client.Moment.create(at=at, relative=True, empty=empty)


def date_time(at: Any, empty: Any = "–") -> rx.Component:
    """Epoch seconds as a date and time in the viewer's zone."""
    return client.Moment.create(at=at, relative=False, empty=empty, class_name="num")


def status_badge(tone: Any, text: Any, hint: Any = None) -> rx.Component:
    """A dot and a word. ``tone`` (a Tone, or a Var of one) colours the dot only; ``hint`` shows on hover."""
    return rx.el.span(
        rx.el.span(class_name="dot", custom_attrs={"data-tone": tone}),
        text,
        class_name="status",
        **({} if hint is None else {"title": hint}),
    )


def tag(text: Any, tone: Any = "quiet") -> rx.Component:
    """A small label: a group, a model, a kind."""
    return rx.el.span(text, class_name="tag", custom_attrs={"data-tone": tone})


def copy_button(text: Any, label: Any = None, *children: Any) -> rx.Component:
    """Copies ``text``. ``label`` is its accessible name (default: "Copy")."""
    return client.CopyButton.create(*children, text=text, **({} if label is None else {"label": label}))


def secret(masked: Any, text: Any = None) -> rx.Component:
    """A masked secret such as ``sk-ab…9f``; with ``text``, one click copies the real one."""
    return rx.el.span(
        rx.el.code(masked),
        *([] if text is None else [copy_button(text)]),
        class_name="secret",
    )


def code_block(text: Any) -> rx.Component:
    """A snippet to copy, as it is."""
    return rx.el.div(rx.el.pre(rx.el.code(text)), copy_button(text), class_name="code-block")
