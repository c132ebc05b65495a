"""Log lines of the process: to the terminal and to a file per start day, never with secrets or prompts."""

import contextlib
import logging
import sys
import time
from pathlib import Path

from oneapi_app.errors import SettingsError
from oneapi_app.settings import Settings

_FORMAT = "[%(levelname)s] %(asctime)s | %(name)s | %(message)s"
_TIME = "%Y/%m/%d - %H:%M:%S"


def configure(settings: Settings) -> None:
    """Raises SettingsError where the directory cannot be written."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.log_dir:
        name = "oneapi.log" if settings.only_one_log_file else time.strftime("oneapi-%Y%m%d.log")
        directory = Path(settings.log_dir)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            handlers.append(logging.FileHandler(directory / name, encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"LOG_DIR: cannot write to {directory}: {error.strerror}") from None
    logging.basicConfig(
        level=logging.DEBUG if settings.debug else logging.INFO,
        format=_FORMAT,
        datefmt=_TIME,
        handlers=handlers,
        force=True,
    )
    # uvicorn.error tells every page's websocket with its address, which holds the page's token.
    for noisy in (
        "uvicorn.error",
        "httpx",
        "httpcore",
        "asyncio",
        "alembic",
        "socketio",
        "engineio",
        "reflex",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def say(line: str) -> None:
    """A line for whoever started the process."""
    with contextlib.suppress(BrokenPipeError):
        print(f"==> {line}", flush=True)  # noqa: T201 - the operator's terminal
