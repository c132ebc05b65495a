"""Writes docs/compatibility.md from the table of differences: ``python -m tests.meta.compatibility_page``.

Nothing of the page is written by hand but its head below.
"""

from pathlib import Path

from tests.replay.differences import DELIBERATE

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

HEAD = """\
# Compatibility with One API

Paths, answers, error texts, tables and bills are those of One API v0.6.11. The test suite plays recorded calls of the original
against this program and compares status, headers and body. Where this program answers otherwise on purpose, the recorded
call is named here with the reason.

"""


def render_page() -> str:
    """The whole page: a row for each area and reason, in the order of the table of differences."""
    steps: dict[tuple[str, str], list[str]] = {}
    for (area, step), reason in DELIBERATE.items():
        steps.setdefault((area, reason), []).append(f"“{step}”")
    rows = [f"| {_plain(area)} | {reason} | {', '.join(named)} |" for (area, reason), named in steps.items()]
    return (
        HEAD
        + "\n".join(("| area | what is different, and why | recorded calls |", "|---|---|---|", *rows))
        + "\n"
    )


def _plain(area: str) -> str:
    return area.replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
