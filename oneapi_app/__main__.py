"""The command line: ``python -m oneapi_app [run|build|migrate|doctor|version] [--port N] [--log-dir DIR]``."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from oneapi_app import __version__
from oneapi_app.errors import SettingsError
from oneapi_app.settings import Settings, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 when all went well, 1 with one line on stderr when the process cannot start."""
    options = _parser().parse_args(arguments)
    if options.version or options.command == "version":
        print(__version__)
        return 0
    try:
        return _COMMANDS[options.command](_settings(options))
    except SettingsError as error:
        print(f"oneapi: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oneapi", description="One API in Python: LLM gateway and key management."
    )
    parser.add_argument("command", nargs="?", default="run", choices=[*_COMMANDS, "version"])
    parser.add_argument("--port", type=int, help="port to listen on (the variable PORT wins; default 3000)")
    parser.add_argument("--log-dir", help="directory of log files (default ./logs)")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    """The variable PORT wins over its flag, --log-dir over its variable, as in the original."""
    settings = load_settings(flags={"PORT": str(options.port)} if options.port is not None else None)
    return dataclasses.replace(settings, log_dir=options.log_dir) if options.log_dir else settings


def _run(settings: Settings) -> int:
    from oneapi_app.commands.serve import serve

    return serve(settings)


def _build(_settings: Settings) -> int:
    from oneapi_app.commands.build import build

    return build()


def _migrate(settings: Settings) -> int:
    from oneapi_app.commands.migrate import migrate

    return migrate(settings)


def _doctor(settings: Settings) -> int:
    from oneapi_app.commands.doctor import run_doctor

    return run_doctor(settings, sys.stdout)


_COMMANDS = {"run": _run, "build": _build, "migrate": _migrate, "doctor": _doctor}

if __name__ == "__main__":
    sys.exit(main())
