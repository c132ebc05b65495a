"""Message Pusher: a server of the operator's that passes messages on to WeChat, Telegram and others."""

import logging

import httpx

from oneapi_app.kit.web_client import WebClient
from oneapi_app.mail.letter import Letter

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0


class MessagePusher:
    """One per process."""

    def __init__(self) -> None:
        self._client = WebClient(TIMEOUT_S)

    async def push(self, address: str, token: str, letter: Letter) -> bool:
        """Whether the server at ``address`` took it; why not goes to the log."""
        message = {
            "title": letter.subject,
            "description": letter.summary,
            "content": letter.body,
            "url": "",
            "channel": "",
            "token": token,
        }
        try:
            answer = (await self._client.post(address, json=message)).json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            log.warning("Message Pusher could not be reached: %s", type(error).__name__)
            return False
        taken = isinstance(answer, dict) and answer.get("success") is True
        if not taken:
            log.warning("Message Pusher did not take a message")
        return taken

    async def aclose(self) -> None:
        await self._client.aclose()
