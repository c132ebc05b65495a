"""Log lines of the process: to the terminal and to a file per start day, never with secrets or prompts."""

import contextlib
import logging
import re
import sys
import time
from pathlib import Path

from oneapi_app.errors import SettingsError
from oneapi_app.settings import Settings

_FORMAT = "[%(levelname)s] %(asctime)s | %(name)s | %(message)s"
_TIME = "%Y/%m/%d - %H:%M:%S"
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Formatter(logging.Formatter):
    """What others wrote cannot look like a line of ours: further lines are indented, control characters shown."""

    def format(self, record: logging.LogRecord) -> str:
        return _CONTROL.sub(lambda found: repr(found[0])[1:-1], super().format(record)).replace(
            "\n", "\n    "
        )


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
    for handler in handlers:
        handler.setFormatter(Formatter(_FORMAT, _TIME))
    level = logging.DEBUG if settings.debug else logging.INFO
    logging.basicConfig(level=level, handlers=handlers, force=True)
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
