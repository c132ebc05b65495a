"""The dashboard's cards: rankings, recent requests, what needs attention, the state of channels."""

from typing import Any

import reflex as rx

from oneapi_app.console import routes
from oneapi_app.console.components import (
    card,
    count,
    duration,
    link_button,
    money,
    stat_row,
    stat_tile,
    tag,
    time_ago,
)
from oneapi_app.console.i18n import t, t_dynamic
from oneapi_app.console.pages.dashboard.state import DashboardState

_State: Any = DashboardState


def ranking(title: Any, shares: Any) -> rx.Component:
    """Names with a bar each, what they spent and how often they asked."""
    return card(
        rx.cond(
            shares.length() > 0,
            rx.el.ol(
                rx.foreach(
                    shares,
                    lambda share: rx.el.li(
                        rx.el.span(class_name="rank-bar", style={"width": share.percent.to_string() + "%"}),
                        rx.el.span(share.name, class_name="rank-name", title=share.name),
                        rx.el.span(count(share.requests), class_name="faint"),
                        money(share.spend),
                    ),
                ),
                class_name="ranking",
            ),
            rx.el.p(t("dashboard.nothing_yet"), class_name="faint"),
        ),
        title=title,
    )


def attention_card() -> rx.Component:
    """One's tokens that expire soon or are nearly empty."""
    return card(
        rx.cond(
            _State.attention.length() > 0,
            rx.el.ul(
                rx.foreach(
                    _State.attention,
                    lambda note: rx.el.li(
                        rx.el.span(note.name, class_name="strong"),
                        rx.cond(
                            note.low,
                            tag(rx.el.span(money(note.remain), " ", t("dashboard.left")), "warn"),
                        ),
                        rx.cond(
                            note.expires > 0,
                            rx.el.span(
                                t("dashboard.expires"), " ", time_ago(note.expires), class_name="muted"
                            ),
                        ),
                    ),
                ),
                class_name="notes",
            ),
            rx.el.p(rx.icon("circle-check", size=15), t("dashboard.all_fine"), class_name="all-fine"),
        ),
        title=t("dashboard.attention"),
        actions=(link_button(t("dashboard.all_tokens"), routes.TOKENS, kind="quiet"),),
    )


def recent_card(site: Any) -> rx.Component:
    return card(
        rx.cond(
            _State.recent.length() > 0,
            rx.el.ul(rx.foreach(_State.recent, lambda row: _recent(row, site)), class_name="recent"),
            rx.el.p(t("dashboard.nothing_yet"), class_name="faint"),
        ),
        title=t("dashboard.recent"),
        actions=(link_button(t("dashboard.all_logs"), routes.LOGS, kind="quiet"),),
    )


def _recent(row: Any, site: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(time_ago(row.at), class_name="muted"),
        rx.el.span(row.model, class_name="strong"),
        rx.el.span(rx.cond(site, rx.fragment(row.user, " / "), rx.fragment()), row.token, class_name="muted"),
        rx.el.span(count(row.prompt), " → ", count(row.completion)),
        duration(row.elapsed_ms),
        money(row.cost, 6),
    )


def channel_strip() -> rx.Component:
    """Each channel a cell; why it is off stands on hover and below where it is broken."""
    broken = _State.cells
    return card(
        rx.el.div(
            rx.foreach(
                _State.cells,
                lambda cell: rx.link(
                    rx.el.span(class_name="dot", custom_attrs={"data-tone": cell.tone}),
                    rx.el.span(cell.name),
                    href=routes.CHANNELS,
                    title=t_dynamic("dashboard", "channel_" + cell.state.to(str))
                    + rx.cond(cell.reason != "", ": " + cell.reason.to(str), ""),
                    class_name="cell",
                    underline="none",
                    custom_attrs={"data-tone": cell.tone},
                ),
            ),
            class_name="strip",
        ),
        rx.foreach(
            broken,
            lambda cell: rx.cond(
                (cell.state == "broken") & (cell.reason != ""),
                rx.el.p(rx.el.b(cell.name), " ", cell.reason, class_name="strip-reason"),
            ),
        ),
        title=t("dashboard.channels"),
    )


def pulse_tiles() -> rx.Component:
    """The whole site right now and over a day."""
    pulse = _State.pulse
    return stat_row(
        stat_tile(t("dashboard.in_flight"), pulse.in_flight, t("dashboard.now"), icon="activity"),
        stat_tile(
            t("dashboard.errors"),
            rx.el.span(_State.error_percent, "%"),
            t("dashboard.failed_of", failed=_State.failed),
            icon="triangle-alert",
        ),
        stat_tile(
            t("dashboard.latency"),
            duration(pulse.p50_ms),
            rx.el.span("p95 ", duration(pulse.p95_ms)),
            icon="timer",
        ),
        stat_tile(
            t("dashboard.first_token"), duration(pulse.first_token_ms), t("dashboard.median"), icon="zap"
        ),
    )


def failures_card() -> rx.Component:
    return card(
        rx.cond(
            _State.kinds.length() > 0,
            rx.el.ul(
                rx.foreach(
                    _State.kinds,
                    lambda found: rx.el.li(rx.el.code(found.kind), tag(found.count, "bad")),
                ),
                class_name="notes",
            ),
            rx.el.p(rx.icon("circle-check", size=15), t("dashboard.no_failures"), class_name="all-fine"),
        ),
        title=t("dashboard.failures"),
    )
