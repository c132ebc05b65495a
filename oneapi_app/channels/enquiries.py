"""Puts a provider's questions (``providers.questions``) to the vendor: small answers, bounded, in clear words."""

from collections.abc import Generator
from typing import Any, TypeVar

import httpx
import msgspec

from oneapi_app.errors import Unavailable
from oneapi_app.providers.base import Provider
from oneapi_app.providers.questions import Ask, CannotTell

T = TypeVar("T")

TIMEOUT_S = 15.0
MAX_ANSWER_BYTES = 8 << 20
_MESSAGE_CHARS = 300


def open_client(proxy: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """``proxy`` is the relay's, empty for none; ``transport`` stands in for the network."""
    return httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, proxy=proxy or None, transport=transport)


async def enquire(client: httpx.AsyncClient, provider: Provider, question: Generator[Ask, Any, T]) -> T:
    """The question's result. Raises Unavailable saying what the vendor answers instead; never with a key in it."""
    try:
        ask = next(question)
        while True:
            ask = question.send(await _get(client, provider, ask))
    except StopIteration as end:
        return end.value
    except CannotTell as error:
        raise Unavailable(str(error), str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = type(error).__name__
        raise Unavailable(f"无法连接渠道：{kind}", f"the vendor cannot be reached: {kind}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unavailable("无法识别渠道返回的内容", "the vendor's answer cannot be understood") from None


async def _get(client: httpx.AsyncClient, provider: Provider, ask: Ask) -> Any:
    body = b""
    async with client.stream("GET", ask.url, headers=ask.headers, params=ask.query or None) as response:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise ValueError("too large")
    if response.status_code == 200:
        return msgspec.json.decode(body)
    failure = provider.classify(response.status_code, {}, body, False)
    said = _without_secrets(failure.message if failure else "", ask)[:_MESSAGE_CHARS]
    raise Unavailable(
        f"status code: {response.status_code} {said}".strip(),
        f"the vendor answers {response.status_code}: {said}".rstrip(": "),
    )


def _without_secrets(said: str, ask: Ask) -> str:
    """Some vendors repeat the key they refuse."""
    for value in (*ask.headers.values(), *ask.query.values()):
        secret = value.removeprefix("Bearer ")
        if len(secret) > 3:
            said = said.replace(secret, "***")
    return said
