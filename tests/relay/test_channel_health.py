"""Which channels rest, and until when."""

from dataclasses import dataclass

import msgspec
import pytest

from oneapi_app.channels.schemas import ChannelRecord
from oneapi_app.convert.base import Failure
from oneapi_app.options import OptionValues
from oneapi_app.relay.health import ChannelHealth
from oneapi_app.settings import default_settings

CHANNEL = ChannelRecord(
    id=1,
    type=1,
    name="one",
    key="k",
    base_url="",
    config={},
    other="",
    models=("m",),
    groups=("default",),
    model_mapping={},
    priority=0,
    weight=0,
    status=1,
    system_prompt="",
)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Failures:
    def add(self, _record):
        pass


class Call:
    request_id = "r"

    class caller:
        user_id, token_name = 1, "t"

    class request:
        model = "m"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    made = ChannelHealth(default_settings(), None, Failures(), lambda: OptionValues({}), clock)
    made.channels_changed([CHANNEL])
    return made


def fail(health, status=500, retry_after_s=None):
    health.failed(Call, CHANNEL, Failure(status, "no", "", None, "", retry_after_s))


def test_a_failing_channel_rests_longer_and_longer_and_a_success_ends_it(health, clock):
    fail(health)
    assert health.is_cooling(1) and health.resting() == {1: 1.0}
    fail(health)
    assert health.resting() == {1: 2.0}
    clock.now = 2.5
    assert not health.is_cooling(1) and health.resting() == {}
    fail(health, 429, 60.0)
    assert health.resting() == {1: 60.0}
    health.succeeded(1)
    assert not health.is_cooling(1)
    fail(health)
    assert health.resting() == {1: 1.0}


def test_an_edited_channel_starts_afresh_an_unchanged_one_does_not(health):
    fail(health)
    health.channels_changed([msgspec.structs.replace(CHANNEL)])
    assert health.is_cooling(1)
    health.channels_changed([msgspec.structs.replace(CHANNEL, key="another")])
    assert not health.is_cooling(1)


def test_a_deleted_channel_is_forgotten(health):
    fail(health)
    health.channels_changed([])
    assert health.resting() == {}


def test_the_callers_mistakes_let_nobody_rest(health):
    fail(health, 400)
    assert health.resting() == {}
