"""Where providers send the browser back to: ``<ServerAddress>/oauth/<provider>``, as registered with them."""

import reflex as rx

from oneapi_app.console import routes
from oneapi_app.console.entering import NAMES, ThirdPartyReturn
from oneapi_app.console.i18n import t
from oneapi_app.console.page import PUBLIC, page
from oneapi_app.console.pages.entrance.frame import entrance


def _returning(provider: str) -> None:
    @page(f"{routes.THIRD_PARTY_RETURN}/{provider}", title="third_party.title", guard=PUBLIC, bare=True)
    def return_page() -> rx.Component:
        return entrance(
            rx.el.h1(t("third_party.heading", name=NAMES[provider])),
            ThirdPartyReturn.create(
                provider=provider,
                name=NAMES[provider],
                home=routes.DASHBOARD,
                personal=routes.PERSONAL,
                sign_in=routes.SIGN_IN,
            ),
        )


for _provider in ("github", "oidc", "lark"):
    _returning(_provider)
