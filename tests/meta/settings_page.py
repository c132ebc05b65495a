"""Writes docs/settings.md from the list of settings: ``python -m tests.meta.settings_page``.

The test beside it compares; nothing of the page is written by hand but its head below.
"""

from pathlib import Path

from oneapi_app.settings import VARIABLES, Variable

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

HEAD = """\
# Settings

Environment variables, read once at start. A file `.env` in the working directory is read as well; the environment wins.
An empty value counts as not set. A value that cannot be read stops the start with one line that names the variable.
Names and meanings are One API's where it has them. What operators change while it runs (prices, sign-in, retries ...) is not
here but in the console's settings.

The image sets `SQLITE_PATH=/data/one-api.db`, `DATA_DIR=/data` and `LOG_DIR=/data/logs`.
More on databases: [databases.md](databases.md).

"""


def render_page() -> str:
    """The whole page."""
    rows = [_row(variable) for variable in VARIABLES]
    return HEAD + "\n".join(("| variable | default | meaning |", "|---|---|---|", *rows)) + "\n"


def _row(variable: Variable) -> str:
    names = ", ".join(f"`{name}`" for name in (variable.name, *variable.aliases))
    return f"| {names} | {_default(variable)} | {variable.help} |"


def _default(variable: Variable) -> str:
    match variable.default:
        case None | "":
            return ""
        case bool(flag):
            return f"`{str(flag).lower()}`"
        case tuple(parts):
            return f"`{','.join(parts)}`"
        case value:
            return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
