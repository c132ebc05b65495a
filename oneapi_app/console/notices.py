"""Toasts: what a handler returns to say how it went, in the viewer's language.

``app_error`` is installed as the app's exception handler, so a page's handler simply lets errors rise.
"""

import json
import logging
from typing import Any

import reflex as rx

from oneapi_app.console.client import session_expired
from oneapi_app.console.i18n import catalogs
from oneapi_app.errors import AppError, Unauthenticated
from oneapi_app.kit.ids import request_id

logger = logging.getLogger(__name__)


def notify(key: str, **values: Any) -> rx.event.EventSpec:
    """ "Saved." and the like: the text of a catalog key. Return it from a handler."""
    return _toast("success", _known(key), values)


def warn(key: str, **values: Any) -> rx.event.EventSpec:
    """Something the viewer should notice although nothing failed."""
    return _toast("warning", _known(key), values)


def notify_error(error: AppError) -> rx.event.EventSpec:
    """The error's own words."""
    return _toast("error", {"zh": error.zh, "en": error.en}, {})


def app_error(exception: Exception) -> rx.event.EventSpec:
    """Any exception of a handler: AppErrors as a toast, an ended session to sign-in, bugs logged with an id."""
    if isinstance(exception, Unauthenticated):
        return session_expired()
    if isinstance(exception, AppError):
        return notify_error(exception)
    reference = request_id()
    logger.error("console handler failed, reference %s", reference, exc_info=exception)
    return _toast("error", _known("shell.bug"), {"id": reference})


def _known(key: str) -> str:
    if key not in catalogs()["zh"]:
        raise KeyError(f"no text {key!r}")
    return key


def _toast(level: str, text: str | dict[str, str], values: dict[str, Any]) -> rx.event.EventSpec:
    return rx.call_script(f"oneapi.notify({json.dumps(level)}, {json.dumps(text)}, {json.dumps(values)})")
