"""The HTTP client for the site's own errands (not for relaying): opened when first needed, closed with the process."""

import asyncio
from functools import partial

import httpx


class WebClient:
    """Goes through the environment's proxies (HTTPS_PROXY). Bounded in time, whatever the other side does."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def post(self, url: str, **content: object) -> httpx.Response:
        """As ``httpx.AsyncClient.post``. Raises httpx.HTTPError, httpx.InvalidURL, TimeoutError."""
        async with asyncio.timeout(2 * self._timeout_s):
            return await (await self._opened()).post(url, **content)  # pyright: ignore[reportArgumentType]

    async def _opened(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._client is None:
                # Reading the certificates of authorities takes tens of milliseconds.
                self._client = await asyncio.to_thread(partial(httpx.AsyncClient, timeout=self._timeout_s))
            return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
