"""The house's rules that no linter knows: how long files may grow, what they must not hold."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LONGEST = 600
"""Lines of a source file; see CONTRIBUTING.md. Recorded data may be longer."""

CODE = {".py", ".js", ".jsx", ".css", ".sh"}
TEXT = {*CODE, ".md", ".yml", ".yaml", ".toml", ".txt", ".ini", ".service", ""}

FORBIDDEN = {
    "an unfinished part": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
    "a path of one machine": r"(?<![\w.])/(?:work|root|tmp/plan)/|(?<![\w./])/home/(?!oneapi)\w+",
    "a key in full": r"\bsk-(?:proj-|ant-)?[A-Za-z0-9]{40,}\b",
}


@cache
def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [PROJECT / name for name in listing.stdout.split("\0") if name and (PROJECT / name).is_file()]


def test_no_source_file_is_too_long() -> None:
    lengths = {
        str(path.relative_to(PROJECT)): len(path.read_text("utf-8").splitlines())
        for path in tracked()
        if path.suffix in CODE
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(PROJECT)}: {match.group()}"
        for path in tracked()
        if path.suffix in TEXT and path != Path(__file__) and "reflex.lock" not in path.parts
        for match in pattern.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_every_module_says_why_it_exists() -> None:
    silent = [
        str(path.relative_to(PROJECT))
        for path in tracked()
        if path.suffix == ".py" and path.is_relative_to(PROJECT / "oneapi_app")
        if not path.read_text("utf-8").startswith(('"""', "#!"))
    ]
    assert silent == []


def test_requirements_are_pinned_with_a_reason() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (PROJECT / name).read_text("utf-8").splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.match(r"[\w.\[\]-]+==\S+\s+# \S", line), f"{name}: {line}"
