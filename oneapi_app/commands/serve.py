"""``python -m oneapi_app run``: prepares everything and serves dashboard, management API and relay on one port."""

import errno
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from oneapi_app import logs
from oneapi_app.bootstrap import prepare
from oneapi_app.errors import SettingsError
from oneapi_app.gateway import Gateway, console_asgi
from oneapi_app.kit.database import open_database
from oneapi_app.rest.app import create_rest_app
from oneapi_app.runtime import open_runtime
from oneapi_app.settings import Settings

DRAIN_S = 30
"""How long a stop waits for requests under way before it ends them; they are billed for what was delivered."""
_BACKLOG = 2048


def serve(settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT; 0 after a clean stop. Raises SettingsError where it cannot start."""
    started = time.monotonic()
    listener = _listen(settings.host, settings.port)
    with listener:
        logs.configure(settings)
        has_console = settings.console_enabled and not settings.pages_elsewhere
        if has_console:
            _build_console()
        database = open_database(settings)
        created = prepare(database, settings)
        runtime = open_runtime(settings, database)
        app = Gateway(
            relay=runtime.relay,
            rest=create_rest_app(runtime),
            console=console_asgi() if has_console else None,
            lifespan=runtime.running,
            page_limit=runtime.page_wait_s,
            elsewhere=settings.pages_elsewhere,
            frame_ancestors=settings.frame_ancestors,
        )
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="websockets-sansio",
            interface="asgi3",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=DRAIN_S,
        )
        server = _Server(
            config,
            lambda: _welcome(settings, database.address.place, created, time.monotonic() - started),
        )
        server.run(sockets=[listener])
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Calls ``when_up`` once it answers, so that a start that fails has not been announced before.

    Ends with status 0 when asked to stop: uvicorn would raise the signal again afterwards.
    """

    def __init__(self, config: uvicorn.Config, when_up: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_up = when_up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._when_up()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    """The listening socket, taken first: a busy port must not cost a migration."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"port {port} is in use; choose another one with PORT") from None
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def _build_console() -> None:
    from oneapi_app.frontend_build import build_frontend, frontend_is_current

    if not frontend_is_current():
        logs.say("building the console (once; the next start is quick)")
        build_frontend(logs.say)


def _welcome(settings: Settings, place: str, created: bool, took_s: float) -> None:
    host = "localhost" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    logs.say(f"data in {place}, ready after {took_s:.1f} s")
    logs.say(
        f"One API is at http://{host}:{settings.port}  (OpenAI clients: http://{host}:{settings.port}/v1)"
    )
    if created and settings.initial_root_password == "123456":  # noqa: S105
        logs.say("sign in as root with the password 123456; you will be asked for a new one")
    elif created:
        logs.say("sign in as root with the password from INITIAL_ROOT_PASSWORD")
