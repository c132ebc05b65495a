"""The front page, about and not found: the operator's own content, else ours."""

from typing import Any

import reflex as rx

from oneapi_app.console import client, routes
from oneapi_app.console.components import copy_button, link_button
from oneapi_app.console.i18n import t
from oneapi_app.console.page import PUBLIC, page
from oneapi_app.console.pages.public.state import PublicState
from oneapi_app.console.shell.parts import signed_in


@page(routes.FRONT, title="public.front", guard=PUBLIC, on_load=PublicState.open)
def front_page() -> rx.Component:
    return rx.fragment(
        rx.cond(PublicState.notice != "", _notice()),
        _own_or(PublicState.home, t("public.front"), _front()),
    )


@page(routes.ABOUT, title="public.about", guard=PUBLIC, on_load=PublicState.open)
def about_page() -> rx.Component:
    return _own_or(PublicState.about, t("public.about"), _about())


def not_found() -> rx.Component:
    """Drawn for every address without a page."""
    return rx.el.div(
        rx.el.p("404", class_name="lost-code num"),
        rx.el.h1(t("public.lost")),
        rx.el.p(t("public.lost_text")),
        link_button(t("public.home"), routes.FRONT, icon="arrow-left"),
        class_name="lost",
    )


def _own_or(content: Any, title: Any, ours: rx.Component) -> rx.Component:
    """The operator's Markdown, HTML or framed site; ours when there is none."""
    return rx.cond(content == "", ours, client.OperatorContent.create(content=content, title=title))


def _notice() -> rx.Component:
    return rx.el.div(
        rx.icon("megaphone", size=16),
        client.OperatorContent.create(
            content=PublicState.notice, title=t("public.notice"), class_name="small"
        ),
        class_name="callout notice",
        custom_attrs={"data-tone": "info"},
        role="status",
    )


def _front() -> rx.Component:
    return rx.el.div(
        rx.el.section(
            rx.el.div(
                rx.el.h1(t("public.headline")),
                rx.el.p(t("public.lead"), class_name="lead"),
                rx.el.div(_first_step(), class_name="hero-actions"),
                rx.el.div(
                    rx.el.span(t("public.base_address")),
                    rx.el.code(client.base_address() + "/v1"),
                    copy_button(client.base_address() + "/v1"),
                    class_name="address",
                ),
                class_name="hero-text",
            ),
            _snippets(),
            class_name="hero",
        ),
        rx.el.section(
            _point("plug", "public.compatible", "public.compatible_text"),
            _point("shuffle", "public.routing", "public.routing_text"),
            _point("receipt-text", "public.billing", "public.billing_text"),
            class_name="points",
        ),
        class_name="front",
    )


def _first_step() -> rx.Component:
    return rx.cond(
        signed_in(),
        link_button(t("public.to_console"), routes.DASHBOARD, icon="arrow-right", kind="primary large"),
        rx.fragment(
            link_button(t("shell.sign_in"), routes.SIGN_IN, icon="arrow-right", kind="primary large"),
            rx.cond(
                client.site("registration"), link_button(t("sign_up.title"), routes.REGISTER, kind="large")
            ),
        ),
    )


def _point(icon: str, title: str, text: str) -> rx.Component:
    return rx.el.div(rx.icon(icon, size=18), rx.el.h2(t(title)), rx.el.p(t(text)), class_name="point")


def _snippets() -> rx.Component:
    address = client.base_address()
    curl = (
        "curl " + address + "/v1/chat/completions \\\n"
        '  -H "Authorization: Bearer $ONEAPI_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        "  -d '{\n"
        '    "model": "gpt-4o-mini",\n'
        '    "messages": [{"role": "user", "content": "Hi"}]\n'
        "  }'"
    )
    python = (
        "from openai import OpenAI\n\n"
        'client = OpenAI(\n    base_url="' + address + '/v1",\n    api_key="sk-…",\n)\n'
        'answer = client.chat.completions.create(\n    model="gpt-4o-mini",\n'
        '    messages=[{"role": "user", "content": "Hi"}],\n)'
    )
    node = (
        'import OpenAI from "openai";\n\n'
        'const client = new OpenAI({\n  baseURL: "' + address + '/v1",\n  apiKey: "sk-…",\n});\n'
        'const answer = await client.chat.completions.create({\n  model: "gpt-4o-mini",\n'
        '  messages: [{ role: "user", content: "Hi" }],\n});'
    )
    examples = (("curl", "cURL", curl), ("python", "Python", python), ("node", "Node.js", node))
    return rx.tabs.root(
        rx.tabs.list(*(rx.tabs.trigger(title, value=key) for key, title, _ in examples), size="1"),
        *(
            rx.tabs.content(
                rx.el.div(rx.el.pre(rx.el.code(text)), copy_button(text), class_name="code-block"), value=key
            )
            for key, _, text in examples
        ),
        default_value="curl",
        class_name="snippets",
    )


def _about() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("public.about_title", name=client.site("name"))),
        rx.el.p(t("public.about_text")),
        rx.el.p(t("public.about_origin")),
        rx.el.p(t("public.version", version=client.site("version")), class_name="faint num"),
        class_name="prose about",
    )
