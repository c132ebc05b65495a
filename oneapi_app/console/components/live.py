"""What follows the clock: asking again by itself, choosing a moment in the viewer's zone. See ``client/live.jsx``."""

from typing import Any

import reflex as rx

LIVE = "$/console/live"


def _moment(epoch: rx.Var[int]) -> tuple[rx.Var[int]]:
    return (epoch,)


class Every(rx.Component):
    """Calls ``on_tick`` every ``ms`` milliseconds while the tab is seen; 0 rests. Draws nothing."""

    library = LIVE
    tag = "Every"
    ms: rx.Var[int]
    on_tick: rx.EventHandler[rx.event.no_args_event_spec]


class MomentInput(rx.Component):
    """A date and time field; ``value`` and what ``on_pick`` gets are seconds since 1970, 0 for none."""

    library = LIVE
    tag = "MomentInput"
    value: rx.Var[int]
    name: rx.Var[str]
    label: rx.Var[str]
    on_pick: rx.EventHandler[_moment]


def every(ms: Any, on_tick: Any) -> rx.Component:
    return Every.create(ms=ms, on_tick=on_tick)


def moment_input(value: Any = 0, *, label: Any, name: str | None = None, on_pick: Any = None) -> rx.Component:
    """With ``name`` it is a form's field; with ``on_pick`` it tells when a moment has been chosen."""
    props: dict[str, Any] = {"value": value, "label": label}
    if name is not None:
        props["name"] = name
    if on_pick is not None:
        props["on_pick"] = on_pick
    return MomentInput.create(**props)


def viewer_zone(callback: Any) -> rx.event.EventSpec:
    """Asks the browser for its zone: ``callback`` gets the seconds it is ahead of UTC."""
    return rx.call_script("-new Date().getTimezoneOffset() * 60", callback=callback)
