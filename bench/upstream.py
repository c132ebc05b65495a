"""The vendors of the benchmark: nginx with one fixed answer, over http and https, and a server of event streams."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.certificates import make_certificates
from tests.support.servers import find_program, free_port

MODEL = "gpt-4o-mini"
CONVERTED_MODEL = "claude-3-5-haiku-20241022"
ANSWER = (
    '{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini","choices":[{"index":0,'
    '"message":{"role":"assistant","content":"Hello! How can I help you today?"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":12,"completion_tokens":9,"total_tokens":21}}'
)
_CONVERTED_ANSWER = (
    '{"id":"msg_1","type":"message","role":"assistant","model":"claude-3-5-haiku-20241022",'
    '"content":[{"type":"text","text":"Hello! How can I help you today?"}],"stop_reason":"end_turn",'
    '"stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":9}}'
)
_NGINX = """
daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {directory}; default_type application/json;
  client_body_buffer_size 64k; keepalive_timeout 75s;
  proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u;
  scgi_temp_path {directory}/s;
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl;
    ssl_certificate {certificate}; ssl_certificate_key {key};
    location = /v1/messages {{ return 200 '{converted_answer}'; }}
    location / {{ return 200 '{answer}'; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Base URLs without ``/v1``: OpenAI's and Anthropic's paths behind the first two, streams of OpenAI's behind the third;
    the authority that signed the certificate behind ``tls``.
    """

    plain: str
    tls: str
    streams: str
    events: int
    authority: Path


@contextlib.contextmanager
def running_upstream(events: int = 20) -> Iterator[Upstream]:
    """``events``: how many each stream has, half a second apart."""
    nginx = find_program("nginx")
    assert nginx, "asked for before"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        certificates = make_certificates(directory)
        plain, tls, streams = free_port(), free_port(), free_port()
        (directory / "nginx.conf").write_text(
            _NGINX.format(
                directory=directory,
                plain=plain,
                tls=tls,
                certificate=certificates.cert,
                key=certificates.key,
                answer=ANSWER,
                converted_answer=_CONVERTED_ANSWER,
            )
        )
        commands = (
            [nginx, "-p", name, "-c", str(directory / "nginx.conf")],
            [sys.executable, "-m", "bench.stream_upstream", str(streams), str(events)],
        )
        processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
        try:
            wait_for(f"http://127.0.0.1:{plain}/")
            wait_for(f"http://127.0.0.1:{streams}/")
            yield Upstream(
                f"http://127.0.0.1:{plain}",
                f"https://127.0.0.1:{tls}",
                f"http://127.0.0.1:{streams}",
                events,
                certificates.ca,
            )
        finally:
            for process in processes:
                process.terminate()
                process.wait(10)


def wait_for(url: str, limit_s: float = 60) -> None:
    """Until something answers there, whatever it says. TimeoutError when nothing does."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, timeout=2)
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answered on {url} within {limit_s:.0f} s")
