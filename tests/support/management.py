"""The management API in this process, over a test's database: what a client of it sees, without a socket."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from oneapi_app.kit.database import Database
from oneapi_app.rest.app import create_rest_app
from oneapi_app.runtime import Runtime, open_runtime
from oneapi_app.settings import Settings


class Management:
    """``as_(token)`` is a client with that access token; empty for none. ``runtime`` is the process behind it."""

    def __init__(self, runtime: Runtime, client: Callable[[str], httpx.AsyncClient]) -> None:
        self.runtime = runtime
        self.as_ = client


@contextlib.asynccontextmanager
async def management_api(
    database: Database, settings: Settings, directory: Path, **changes: Any
) -> AsyncIterator[Management]:
    """Rate limits are off. ``changes`` are to the settings."""
    quiet = {"data_dir": str(directory), "api_rate_limit": 0, "critical_rate_limit": 0}
    runtime = open_runtime(replace(settings, **{**quiet, **changes}), database)
    app = create_rest_app(runtime)
    made: list[httpx.AsyncClient] = []

    def client(token: str) -> httpx.AsyncClient:
        headers = {"authorization": token} if token else {}
        made.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://gateway.test", headers=headers
            )
        )
        return made[-1]

    async with runtime.running():
        yield Management(runtime, client)
        for each in made:
            await each.aclose()
