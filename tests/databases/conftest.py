"""What several tests here share.

``recorded``   a recording of the original and the ``Settings`` of a database of its engine that it was loaded into
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oneapi_app.settings import Settings
from tests.support.databases import databases_of
from tests.support.recordings import EVERY_RECORDING, Recording, find_recording


@pytest.fixture(params=EVERY_RECORDING)
def recorded(request: pytest.FixtureRequest, shared_dir: Path) -> Iterator[tuple[Recording, Settings]]:
    recording = find_recording(shared_dir, request.param)
    with databases_of(recording.engine, request).blank() as settings:
        recording.load(settings)
        yield recording, settings
