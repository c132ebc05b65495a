"""Writes docs/options.md from the list of options: ``python -m tests.meta.options_page``."""

from pathlib import Path

from oneapi_app.options import OPTIONS, Option
from oneapi_app.system.policy import PREREQUISITES

PAGE = Path(__file__).parents[2] / "docs" / "options.md"

HEAD = """\
# Options

What root changes while the program runs: in the console under **Settings**, or over the API. They are rows of the table
`options`, names and meanings One API's; a missing row means the default.

    GET /api/option/                          every option but the secret ones
    PUT /api/option/ {"key": …, "value": …}   the value is always a string: "true", "3", "{\\"default\\": 1}"

A value is checked before anything is saved: switches are `true` or `false`, numbers have a range, links begin with
`http://` or `https://`, a table of prices is read as a whole. Names that are not in this list are refused. What is saved counts before
the answer goes out, on this node and on the others. Secret ones go in and never come out. `Lark…` and `Oidc…` options and
`LogRetentionDays` are listed once they have been set, since One API lists them no earlier.
A row of an older program that cannot be read counts as missing; [`doctor`](databases.md#looking-before-you-start) names it.

"""

NEEDS_HEAD = """
## What has to be filled in first

Neither can these be switched on without, nor can what they need be taken away while they are on.

"""


def render_page() -> str:
    """The whole page."""
    rows = [_row(option) for option in OPTIONS.values()]
    needs = [
        f"| `{rule.switch}` | {', '.join(f'`{name}`' for name in rule.needs)} |" for rule in PREREQUISITES
    ]
    return (
        HEAD
        + "\n".join(("| option | default | meaning |", "|---|---|---|", *rows))
        + "\n"
        + NEEDS_HEAD
        + "\n".join(("| switch | needs |", "|---|---|", *needs))
        + "\n\n`OidcEnabled` needs the client id, and either the well-known address or all three endpoints.\n"
    )


def _row(option: Option) -> str:
    secret = " Secret." if option.secret else ""
    default = f"`{option.default}`" if option.default else ""
    return f"| `{option.name}` | {default} | {option.help}{secret} |"


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
