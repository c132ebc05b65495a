"""The dialog that tests one channel with a model of one's choice."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from oneapi_app.actor import ADMIN
from oneapi_app.channels import service as channels
from oneapi_app.channels.policy import split_list
from oneapi_app.channels.prober import choose_model
from oneapi_app.channels.schemas import ProbeResult
from oneapi_app.console.pages.channels.state import ChannelsState
from oneapi_app.console.session import ConsoleState
from oneapi_app.runtime import current_runtime


@dataclass(frozen=True)
class Outcome:
    """``state``: none, running, good, bad. ``message``: the model's answer, or the vendor's own words."""

    state: str = "none"
    message: str = ""
    model: str = ""
    elapsed_ms: int = 0
    status: int = 0


def outcome_of(result: ProbeResult, model: str) -> Outcome:
    state = "good" if result.ok else "bad"
    status = 0 if result.ok or result.local else result.status
    return Outcome(state, result.message, model, result.elapsed_ms, status)


class TrialState(ConsoleState, rx.State):
    channel_id: int = 0
    name: str = ""
    models: list[str] = []
    model: str = ""
    outcome: Outcome = Outcome()

    @rx.event
    async def open(self, channel_id: int) -> Any:
        """Opens the dialog and begins with the model a test of all would ask."""
        row = await self._read(channels.get, channel_id=channel_id)
        self.channel_id, self.name = row.id, row.name
        self.models = list(split_list(row.models))
        self.model = choose_model(self.models, "")
        self.outcome = Outcome("running", model=self.model)
        return TrialState.run

    @rx.event
    def close(self, _open: bool) -> None:
        self.channel_id = 0

    @rx.event
    def choose(self, model: str) -> None:
        self.model = model

    @rx.event(background=True)
    async def run(self) -> Any:
        actor = await self._actor(ADMIN)
        async with self:
            channel_id, model = self.channel_id, self.model
            self.outcome = Outcome("running", model=model)
        outcome = Outcome()
        try:
            result, asked = await current_runtime().prober.test(actor, channel_id, model)
            outcome = outcome_of(result, asked)
        finally:
            async with self:
                if self.channel_id == channel_id and self.model == model:
                    self.outcome = outcome
        return ChannelsState.refresh
