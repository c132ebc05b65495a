"""``site``: a seeded site of its own for each test (``tests.support.site``)."""

from collections.abc import AsyncIterator

import pytest

from tests.support.site import Site, open_site


@pytest.fixture
async def site(database_settings, tmp_path) -> AsyncIterator[Site]:
    async with open_site(database_settings, tmp_path) as opened:
        yield opened
