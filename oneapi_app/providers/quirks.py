"""Small edits for vendors that refuse part of what OpenAI accepts.

Deny lists: what is not named passes, so that tomorrow's parameters do. An edit returns the very same object where
nothing is to be done, so that the caller's bytes can go on untouched.
"""

from collections.abc import Callable
from typing import Any, cast

Json = dict[str, Any]
Quirk = Callable[[Json], Json]


def without(*names: str) -> Quirk:
    """Drops fields the vendor answers with an error."""

    def edit(body: Json) -> Json:
        if not any(name in body for name in names):
            return body
        return {name: value for name, value in body.items() if name not in names}

    return edit


def renamed(name: str, theirs: str) -> Quirk:
    """Says a field in the vendor's word, unless the caller has used that one."""

    def edit(body: Json) -> Json:
        if name not in body:
            return body
        edited = {key: value for key, value in body.items() if key != name}
        edited.setdefault(theirs, body[name])
        return edited

    return edit


def developer_as_system(body: Json) -> Json:
    """For vendors that do not know the role OpenAI has since renamed ``system`` to."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not any(map(_is_developer, cast("list[Any]", messages))):
        return body
    edited = [{**m, "role": "system"} if _is_developer(m) else m for m in cast("list[Any]", messages)]
    return {**body, "messages": edited}


def _is_developer(message: Any) -> bool:
    return isinstance(message, dict) and cast("Json", message).get("role") == "developer"
