"""Every way to name a Redis, tried on real ones: plain, with a password, over TLS, behind Sentinels."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from oneapi_app.errors import SettingsError
from oneapi_app.nodes.connection import open_redis
from oneapi_app.settings import default_settings
from tests.support.certificates import make_certificates
from tests.support.servers import Server, find_program, free_port, need, start_redis

PASSWORD = "p@ss/word"


async def answers(**settings: str) -> bool:
    redis = open_redis(replace(default_settings(), **settings))
    assert redis is not None
    async with redis:
        return bool(await redis.set("answers", 1, px=1000))


@contextlib.contextmanager
def redis_with(*options: str) -> Iterator[Server]:
    need(find_program("redis-server"), "Redis")
    server = start_redis(*options)
    try:
        yield server
    finally:
        server.stop()


def test_none():
    assert open_redis(default_settings()) is None


@pytest.mark.needs_redis
async def test_plain_and_with_a_password():
    with redis_with("--requirepass", PASSWORD) as server:
        place = f"{server.host}:{server.port}"
        assert await answers(redis_url=place, redis_password=PASSWORD)
        assert await answers(redis_url=f"redis://{place}/1", redis_password=PASSWORD)
        assert await answers(redis_url=f"redis://default:p%40ss%2Fword@{place}")
        with pytest.raises(RedisError):
            await answers(redis_url=place)


@pytest.mark.needs_redis
async def test_tls(tmp_path: Path):
    made = make_certificates(tmp_path)
    port = free_port()
    options = ["--tls-port", str(port), "--tls-auth-clients", "no"]
    files = [
        "--tls-cert-file",
        str(made.cert),
        "--tls-key-file",
        str(made.key),
        "--tls-ca-cert-file",
        str(made.ca),
    ]
    with redis_with(*options, *files):
        assert await answers(redis_url=f"rediss://localhost:{port}?ssl_ca_certs={made.ca}")
        with pytest.raises(RedisError):
            await answers(redis_url=f"rediss://localhost:{port}")


@pytest.mark.needs_redis
async def test_sentinels(tmp_path: Path):
    """The first one is down, the second knows the master."""
    program = find_program("redis-server")
    with redis_with("--requirepass", PASSWORD) as server:
        port, nowhere = free_port(), free_port()
        config = tmp_path / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n"
            f"sentinel monitor main {server.host} {server.port} 1\nsentinel auth-pass main {PASSWORD}\n"
        )
        output = (tmp_path / "sentinel.log").open("wb")
        sentinel = subprocess.Popen([str(program), str(config), "--sentinel"], stdout=output, stderr=output)
        try:
            where = f"127.0.0.1:{nowhere}, 127.0.0.1:{port}"
            settings = {"redis_url": where, "redis_master_name": "main", "redis_password": PASSWORD}
            for attempt in range(200):
                try:
                    assert await answers(**settings)
                    break
                except RedisError:
                    assert attempt < 199, (tmp_path / "sentinel.log").read_text()
        finally:
            sentinel.kill()
            sentinel.wait(10)
            output.close()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"redis_url": "a:1,b:2"}, "REDIS_MASTER_NAME"),
        ({"redis_url": "localhost"}, "host:port"),
        ({"redis_url": "http://localhost:6379"}, "expected one of redis"),
        ({"redis_url": "redis://:secret@localhost:port/0"}, "cannot be read"),
        ({"redis_url": "redis://localhost:6379/0", "redis_master_name": "main"}, "host:port"),
    ],
)
def test_what_cannot_be_read_stops_the_start_without_its_password(settings: dict[str, str], says: str):
    with pytest.raises(SettingsError, match=says) as caught:
        open_redis(replace(default_settings(), **settings))
    assert "secret" not in str(caught.value)
