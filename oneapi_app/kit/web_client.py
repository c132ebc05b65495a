"""The HTTP client for the site's own errands (not for relaying): opened when first needed, closed with the process."""

import asyncio
from functools import partial
from typing import Any

import httpx

MAX_ANSWER_BYTES = 1 << 20


class WebClient:
    """Goes through the environment's proxies (HTTPS_PROXY). Bounded in time and size, whatever the other side does."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def post(self, url: str, **content: Any) -> httpx.Response:
        """As ``httpx.AsyncClient.post``, but see ``request``."""
        return await self.request("POST", url, **content)

    async def request(self, method: str, url: str, **content: Any) -> httpx.Response:
        """Status and body, no headers. Raises httpx.HTTPError, httpx.InvalidURL, TimeoutError."""
        client = await self._opened()
        body = b""
        async with (
            asyncio.timeout(2 * self._timeout_s),
            client.stream(method, url, **content) as response,
        ):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise httpx.DecodingError("the answer is too large", request=response.request)
        return httpx.Response(response.status_code, content=body, request=response.request)

    async def _opened(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._client is None:
                # Reading the certificates of authorities takes tens of milliseconds.
                self._client = await asyncio.to_thread(partial(httpx.AsyncClient, timeout=self._timeout_s))
            return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
