"""Trying the saved mail settings: a test message to oneself or another address."""

from typing import Any

import reflex as rx

from oneapi_app.actor import ROOT
from oneapi_app.console.components import button, field, form_error, text_input
from oneapi_app.console.i18n import t
from oneapi_app.console.notices import notify
from oneapi_app.console.session import ConsoleState
from oneapi_app.errors import AppError
from oneapi_app.runtime import current_runtime


class MailTrialState(ConsoleState, rx.State):
    sending: bool = False
    error: dict[str, str] = {}

    @rx.event
    def open(self) -> None:
        self.sending, self.error = False, {}

    @rx.event(background=True)
    async def send(self, entered: dict[str, Any]) -> Any:
        """A background event: a mail server may take its time, and the page is to stay usable."""
        actor = await self._actor(ROOT)
        async with self:
            self.sending, self.error = True, {}
        failure: dict[str, str] = {}
        receiver = ""
        try:
            receiver = await current_runtime().notices.send_test_letter(
                actor, receiver=str(entered.get("receiver", ""))
            )
        except AppError as error:
            failure = {"zh": error.zh, "en": error.en}
        finally:
            async with self:
                self.sending, self.error = False, failure
        return notify("settings.mail_trial_sent", receiver=receiver) if receiver else None


_State: Any = MailTrialState


def mail_trial() -> rx.Component:
    """Stands below the fields of the mail card."""
    return rx.form(
        field(
            t("settings.mail_trial"),
            rx.el.div(
                text_input(
                    name="receiver",
                    type="email",
                    auto_complete="off",
                    placeholder=t("settings.mail_trial_own"),
                ),
                button(t("settings.mail_trial_send"), type="submit", icon="send", loading=_State.sending),
                class_name="with-beside",
            ),
            help=t("settings.mail_trial_help"),
        ),
        form_error(_State.error),
        on_submit=_State.send,
        reset_on_submit=False,
        class_name="form-stack form-end",
    )
