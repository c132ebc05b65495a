"""Cloudflare Turnstile: whether a browser's answer to the riddle is right, asked of Cloudflare."""

import logging

import httpx

from oneapi_app.errors import Forbidden, InvalidInput, Unavailable
from oneapi_app.kit.web_client import WebClient

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0
MAX_ANSWER_CHARS = 2048
"""Cloudflare's own limit for what a browser hands in."""


class Turnstile:
    """One per process. ``verify_url`` is Cloudflare's siteverify."""

    def __init__(self, verify_url: str) -> None:
        self._verify_url = verify_url
        self._client = WebClient(TIMEOUT_S)

    async def check(self, answer: str, *, secret: str, address: str) -> None:
        """Raises InvalidInput without an answer, Forbidden for a wrong one, Unavailable where nobody can tell."""
        if not answer:
            raise InvalidInput("Turnstile token 为空", "the Turnstile token is missing")
        if len(answer) > MAX_ANSWER_CHARS or not await self._is_right(answer, secret, address):
            raise Forbidden(
                "Turnstile 校验失败，请刷新重试！", "the Turnstile check failed, reload and try again"
            )

    async def _is_right(self, answer: str, secret: str, address: str) -> bool:
        form = {"secret": secret, "response": answer, "remoteip": address}
        try:
            response = await self._client.post(self._verify_url, data=form)
            verdict = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            log.warning("Turnstile could not be asked: %s", type(error).__name__)
            raise Unavailable(
                "无法连接至 Turnstile 服务器，请稍后重试！", "Turnstile cannot be reached, try again later"
            ) from None
        right = isinstance(verdict, dict) and verdict.get("success") is True
        if not right and isinstance(verdict, dict):
            log.info("Turnstile refused an answer: %s", str(verdict.get("error-codes"))[:200])
        return right

    async def aclose(self) -> None:
        await self._client.aclose()
