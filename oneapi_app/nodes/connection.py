"""How Redis is reached: a URL, one ``host:port``, or Sentinels that know where the master is."""

from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from oneapi_app.errors import SettingsError
from oneapi_app.settings import Settings

CONNECT_S = 2.0
ANSWER_S = 2.0
"""A Redis that takes longer counts as gone: everything can go on without it."""

_SCHEMES = ("redis", "rediss", "unix")


def open_redis(settings: Settings) -> Redis | None:
    """A client, None where no Redis is configured. Connects to nothing yet; raises SettingsError."""
    where = settings.redis_url.strip()
    if not where:
        return None
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": ANSWER_S,
        "socket_keepalive": True,
        "decode_responses": False,
    }
    if settings.redis_master_name:
        sentinels = Sentinel(
            _servers(where),
            sentinel_kwargs={**options, "retry": _once()},
            password=settings.redis_password or None,
            **options,
        )
        return sentinels.master_for(settings.redis_master_name, retry=_once())
    if "://" in where:
        return _from_url(where, settings, options)
    servers = _servers(where)
    if len(servers) > 1:
        raise SettingsError("REDIS_CONN_STRING: several servers need REDIS_MASTER_NAME, the Sentinels' name")
    host, port = servers[0]
    return Redis(host=host, port=port, password=settings.redis_password or None, retry=_once(), **options)


def _from_url(url: str, settings: Settings, options: dict[str, Any]) -> Redis:
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise SettingsError(f"REDIS_CONN_STRING: expected one of {', '.join(_SCHEMES)} before ://")
    if settings.redis_password and not parts.password:
        options = {**options, "password": settings.redis_password}
    try:
        return Redis.from_url(url, retry=_once(), **options)
    except (ValueError, TypeError):
        # Their messages may quote the URL, and with it the password.
        raise SettingsError(
            "REDIS_CONN_STRING: cannot be read, expected redis://user:pw@host:port/db"
        ) from None


def _servers(text: str) -> list[tuple[str, int]]:
    servers: list[tuple[str, int]] = []
    for part in text.split(","):
        host, separator, port = part.strip().rpartition(":")
        if not (separator and host and port.isdecimal()):
            raise SettingsError("REDIS_CONN_STRING: expected host:port, or a comma between several")
        servers.append((host.strip("[]"), int(port)))
    return servers


def _once() -> Retry:
    """No tries behind our back: who waits for Redis decides what to do without it."""
    return Retry(NoBackoff(), 0)
