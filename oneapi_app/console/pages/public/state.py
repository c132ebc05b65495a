"""What the operator shows to everybody. Only options that are public on the REST API too."""

from typing import Any

import reflex as rx

from oneapi_app.runtime import current_runtime


class PublicState(rx.State):
    """``loaded`` keeps the built-in text from flashing up before the operator's own."""

    notice: str = ""
    home: str = ""
    about: str = ""
    loaded: bool = False

    @rx.event
    async def open(self) -> Any:
        """Public: no one is asked for. Reads options, nothing about users."""
        options = current_runtime().options
        self.notice, self.home, self.about = options.notice, options.home_page_content, options.about
        self.loaded = True
