"""Entering a page: refreshes what the browser knows about the site and the viewer, and minds the page's guard."""

from typing import Any

import reflex as rx

from oneapi_app import __version__
from oneapi_app.accounts import service as accounts
from oneapi_app.accounts.third_party.identity import ALL, is_enabled
from oneapi_app.actor import Actor
from oneapi_app.console import routes
from oneapi_app.console.client import Site, Viewer, load, remember_site, remember_viewer, session_expired
from oneapi_app.console.page import PUBLIC
from oneapi_app.console.session import ConsoleState
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.options import OptionValues
from oneapi_app.runtime import current_runtime


class Shell(ConsoleState, rx.State):
    """No vars: what the frame draws lives in the browser, see ``client.site`` and ``client.viewer``."""

    @rx.event
    async def enter(self, guard: int) -> Any:
        """First on every page. ``guard`` only decides where to lead the browser, so it may come from there."""
        actor = await self._viewer()
        runtime = current_runtime()
        site = remember_site(site_facts(runtime.options, runtime.settings.theme))
        if actor is None:
            return [site, remember_viewer(None) if guard == PUBLIC else session_expired()]
        viewer = remember_viewer(await runtime.database.read(_describe, actor))
        if actor.must_change_password and guard != PUBLIC:
            return [site, viewer, load(routes.CHANGE_PASSWORD)]
        if actor.role < guard:
            return [site, viewer, load(routes.DASHBOARD)]
        return [site, viewer]


def site_facts(options: OptionValues, default_theme: str) -> Site:
    """The public facts of the options."""
    return Site(
        name=options.system_name,
        logo=options.logo,
        theme=options.theme or default_theme,
        footer=options.footer,
        version=__version__,
        quota_per_unit=options.quota_per_unit,
        display_in_currency=options.display_in_currency_enabled,
        chat_link=options.chat_link,
        top_up_link=options.top_up_link,
        server_address=options.text("ServerAddress"),
        registration=options.register_enabled,
        password_login=options.password_login_enabled,
        password_registration=options.register_enabled and options.password_register_enabled,
        email_verification=options.email_verification_enabled,
        mail=bool(options.smtp_server),
        turnstile_site_key=options.turnstile_site_key if options.turnstile_check_enabled else "",
        wechat_qrcode=options.we_chat_account_qr_code_image_url,
        **{name: is_enabled(provider, options) for name, provider in ALL.items()},
    )


def _describe(uow: UnitOfWork, actor: Actor) -> Viewer:
    own = accounts.read_self(uow, actor)
    return Viewer(
        id=actor.user_id,
        name=own.display_name or own.username,
        role=actor.role,
        group=actor.group,
        quota=own.quota,
        must_change_password=actor.must_change_password,
    )
