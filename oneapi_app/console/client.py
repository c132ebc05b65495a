"""What the browser knows, as Reflex variables and components; the Python face of ``client/*.js``.

``site`` and ``viewer`` are kept in the browser and refreshed by ``shell.Shell.enter`` on every page. They
decide what is drawn, never what may be seen: that is the services' business. Must not import pages or states.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

import reflex as rx
from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import VarData

from oneapi_app.console.i18n import CLIENT


@dataclass(frozen=True, slots=True)
class Site:
    """The operator's public facts. ``quota_per_unit``: quota in one unit of money."""

    name: str = "One API"
    logo: str = ""
    theme: str = "default"
    footer: str = ""
    version: str = ""
    quota_per_unit: float = 500000
    display_in_currency: bool = True
    chat_link: str = ""
    top_up_link: str = ""
    server_address: str = ""
    registration: bool = False
    """New accounts of any kind; with a password only where ``password_registration`` says so too."""
    password_login: bool = True
    password_registration: bool = False
    email_verification: bool = False
    mail: bool = False
    """Whether the site can send mail."""
    turnstile_site_key: str = ""
    """Empty while the check is off."""
    github: bool = False
    oidc: bool = False
    lark: bool = False
    wechat: bool = False
    wechat_qrcode: str = ""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in, as far as drawing menus needs it. ``role`` 0: nobody. ``quota`` in units."""

    id: int = 0
    name: str = ""
    role: int = 0
    group: str = ""
    quota: int = 0
    must_change_password: bool = False


def site(field: str) -> Any:
    """A field of ``Site`` as the browser has it: a Var of the field's kind."""
    return _stored("site", Site, field)


def viewer(field: str) -> Any:
    """A field of ``Viewer`` as the browser has it: a Var of the field's kind."""
    return _stored("viewer", Viewer, field)


def base_address() -> Any:
    """A Var: where API clients should point: ServerAddress, else the address in the browser; no slash at the end."""
    data = VarData(
        imports={CLIENT: [ImportVar(tag="baseAddress"), ImportVar(tag="useSite")]},
        hooks={"const site = useSite()": None},
    )
    return rx.Var(_js_expr="(site && baseAddress())", _var_data=data).to(str)


def locale() -> rx.Var[str]:
    """``zh`` or ``en``."""
    data = VarData(imports={CLIENT: [ImportVar(tag="useLocale")]}, hooks={"const locale = useLocale()": None})
    return cast(rx.Var[str], rx.Var(_js_expr="locale", _var_data=data).to(str))


def set_locale(language: str) -> rx.event.EventSpec:
    return rx.call_script(f"oneapi.setLocale({json.dumps(language)})")


def remember_site(facts: Site) -> rx.event.EventSpec:
    return rx.call_script(f"oneapi.setSite({json.dumps(asdict(facts))})")


def remember_viewer(who: Viewer | None) -> rx.event.EventSpec:
    return rx.call_script(f"oneapi.setViewer({json.dumps(asdict(who) if who else None)})")


def sign_out() -> rx.event.EventSpec:
    """Ends the session over HTTP and loads the sign-in page anew."""
    return rx.call_script("oneapi.signOut()")


def session_expired() -> rx.event.EventSpec:
    """Loads the sign-in page anew; signing in leads back here."""
    return rx.call_script("oneapi.expire()")


def load(address: str) -> rx.event.EventSpec:
    """A full page load of an address on this site."""
    return rx.call_script(f"window.location.assign({json.dumps(address)})")


def set_query(query: str) -> rx.event.EventSpec:
    """Shows ``query`` (already encoded, no "?") in the address bar without loading anything."""
    return rx.call_script(f"oneapi.setQuery({json.dumps(query)})")


class Moment(rx.Component):
    """A point in time: relative, absolute on hover (or the other way round), in the viewer's zone."""

    library = CLIENT
    tag = "Moment"
    at: rx.Var[int]
    """Seconds since 1970; 0 and less show ``empty``."""
    relative: rx.Var[bool]
    empty: rx.Var[str]


class Quota(rx.Component):
    """Quota as the operator wants money shown; the raw units on hover."""

    library = CLIENT
    tag = "Quota"
    units: rx.Var[int]
    digits: rx.Var[int]


class Count(rx.Component):
    """12.3k, 1.2M; the exact number on hover."""

    library = CLIENT
    tag = "Count"
    value: rx.Var[int | float]


class Duration(rx.Component):
    """820 ms, 1.24 s, 3 min 5 s."""

    library = CLIENT
    tag = "Duration"
    ms: rx.Var[int | float]


class CopyButton(rx.Component):
    """Copies ``text`` and says so; children stand beside the icon."""

    library = CLIENT
    tag = "CopyButton"
    text: rx.Var[str]
    label: rx.Var[str]


class ColumnChooser(rx.Component):
    """Shows and hides columns of ``table``; ``columns`` are ``{"at": number from 1, "label": text}``."""

    library = CLIENT
    tag = "ColumnChooser"
    table: rx.Var[str]
    columns: rx.Var[list[dict[str, Any]]]
    label: rx.Var[str]


class HttpForm(rx.Component):
    """A form sent to the REST API as JSON: for what must set or end the session cookie.

    ``next`` is loaded after success, unless the address names another ``?next=`` on this site. ``same`` are two
    field names whose values must be equal; the second is not sent.
    """

    library = CLIENT
    tag = "HttpForm"
    action: rx.Var[str]
    method: rx.Var[str]
    next: rx.Var[str]
    same: rx.Var[list[str]]


class SentForm(rx.Component):
    """As ``HttpForm``, but on success ``sent`` stands in its place. With ``method`` GET the fields are the query."""

    library = CLIENT
    tag = "SentForm"
    action: rx.Var[str]
    method: rx.Var[str]
    sent: rx.Var[str]


class SignUpForm(rx.Component):
    """Makes an account of its fields and signs in to it; then as ``HttpForm``."""

    library = CLIENT
    tag = "SignUpForm"
    next: rx.Var[str]
    same: rx.Var[list[str]]


class NewPasswordForm(rx.Component):
    """Spends the link of a reset mail (the page's own address) and shows the new password above its children."""

    library = CLIENT
    tag = "NewPasswordForm"
    label: rx.Var[str]
    email_label: rx.Var[str]
    copy_label: rx.Var[str]


class ClientRoot(rx.Component):
    """Wraps the whole app, so that the client is there before any page's first event."""

    library = CLIENT
    tag = "ClientRoot"


class PageTitle(rx.Component):
    """Names the browser's tab: the page, then the site."""

    library = CLIENT
    tag = "PageTitle"
    title: rx.Var[str]


class OperatorContent(rx.Component):
    """The operator's Markdown or HTML, or a frame when it is a web address. Root is trusted with scripts."""

    library = CLIENT
    tag = "OperatorContent"
    lib_dependencies: list[str] = ["react-markdown@10.1.0", "remark-gfm@4.0.1", "rehype-raw@7.0.0"]
    content: rx.Var[str]
    title: rx.Var[str]


def _stored(store: str, shape: type, field: str) -> Any:
    kinds = {f.name: f.type for f in fields(shape)}
    hook = f"use{store.capitalize()}"
    data = VarData(imports={CLIENT: [ImportVar(tag=hook)]}, hooks={f"const {store} = {hook}()": None})
    return rx.Var(_js_expr=f"{store}.{field}", _var_data=data).to(kinds[field])
