"""Events as the bus carries them: JSON, each event by its class's name and its fields.

Versions differ while nodes are being updated one after the other: an event whose name or fields are not known here is
skipped, fields nobody here knows are ignored.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from oneapi_app.events import TRAVELLING, Event

_BY_NAME: dict[str, type[Any]] = {kind.__name__: kind for kind in TRAVELLING}


class Message(msgspec.Struct, frozen=True):
    """``sender``: the node it comes from. Without events it is a sign of life."""

    sender: str
    events: list[tuple[str, dict[str, Any]]] = []


def encode(sender: str, events: Iterable[Event]) -> bytes:
    named = [(type(event).__name__, msgspec.to_builtins(event)) for event in events]
    return msgspec.json.encode(Message(sender, named))


def decode(data: bytes) -> tuple[str, Sequence[Event]]:
    """Sender and events; nothing at all of what is no message of ours."""
    try:
        message = msgspec.json.decode(data, type=Message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ()
    events: list[Event] = []
    for name, fields in message.events:
        kind = _BY_NAME.get(name)
        if kind is None:
            continue
        try:
            events.append(msgspec.convert(fields, kind))
        except msgspec.ValidationError:
            continue
    return message.sender, events
