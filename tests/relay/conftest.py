"""The relay of ``tests.relay.stage`` as a fixture."""

from collections.abc import AsyncIterator

import pytest_asyncio

from oneapi_app.kit.database import Database
from oneapi_app.settings import Settings
from tests.relay.stage import Stage, stage


@pytest_asyncio.fixture
async def relay(database_settings: Settings, database: Database) -> AsyncIterator[Stage]:
    async with stage(database_settings, database) as made:
        yield made
