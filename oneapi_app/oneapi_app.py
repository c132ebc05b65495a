"""The composition root Reflex imports: the app, its pages, its exception handler. Nothing else happens here."""

import reflex as rx

from oneapi_app.console.bundle import STYLESHEETS
from oneapi_app.console.client import ClientRoot
from oneapi_app.console.notices import app_error
from oneapi_app.console.page import PUBLIC, load_pages
from oneapi_app.console.pages.public.page import not_found
from oneapi_app.console.shell.frame import boot_screen, drawing, drawing_not_found
from oneapi_app.console.shell.state import Shell

CLIENT_ROOT_ORDER = 60
"""Outside the toasts and the pages, inside Reflex's event loop."""

SITE_NAME = "One API"
"""In the page's source until the browser knows the operator's name."""

app = rx.App(
    stylesheets=STYLESHEETS,
    head_components=[rx.el.link(rel="icon", href="/logo.svg", type="image/svg+xml")],
    backend_exception_handler=app_error,
    hydrate_fallback=boot_screen,
    toaster=rx.toast.provider(position="bottom-right", rich_colors=False),
)

app.app_wraps[CLIENT_ROOT_ORDER, "ClientRoot"] = lambda _stateful: ClientRoot.create()

for page in load_pages().values():
    app.add_page(
        drawing(page), route=page.path, title=SITE_NAME, on_load=[Shell.enter(page.guard), *page.on_load]
    )
app.add_page(drawing_not_found(not_found), route="404", title=SITE_NAME, on_load=[Shell.enter(PUBLIC)])
