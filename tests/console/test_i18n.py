"""The catalogs: the same keys in both languages, the same placeholders, and every key the sources name exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneapi_app.console.i18n import catalogs, t

CONSOLE = Path(__file__).parents[2] / "oneapi_app" / "console"
PLACEHOLDER = re.compile(r"\{(\w+)")
CLIENT_KEY = re.compile(r'"((?:shell|sign_in)\.\w+)"')
SAYING = {"t", "notify", "warn", "_known"}


def python_keys() -> Iterator[tuple[str, str]]:
    """Every literal key given to ``t``, ``notify`` and ``warn``, with the file that names it."""
    for source in CONSOLE.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING
            ):
                continue
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, source.name


def client_keys() -> Iterator[tuple[str, str]]:
    for source in (CONSOLE / "client").iterdir():
        for key in CLIENT_KEY.findall(source.read_text("utf-8")):
            yield key, source.name


def test_both_languages_have_the_same_keys():
    chinese, english = catalogs()["zh"], catalogs()["en"]
    assert chinese.keys() == english.keys()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_text_is_empty(language: str):
    assert [key for key, text in catalogs()[language].items() if not text.strip()] == []


def test_both_languages_fill_the_same_placeholders():
    english = catalogs()["en"]
    differing = {
        key
        for key, text in catalogs()["zh"].items()
        if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(english[key]))
    }
    assert differing == set()


def test_every_key_named_in_the_sources_exists():
    known = catalogs()["zh"]
    missing = [(key, source) for key, source in [*python_keys(), *client_keys()] if key not in known]
    assert missing == []


def test_page_titles_exist():
    from oneapi_app.console.page import load_pages

    assert [page.title for page in load_pages().values() if page.title not in catalogs()["zh"]] == []


def test_an_unknown_key_is_refused_when_the_page_is_drawn():
    with pytest.raises(KeyError):
        t("shell.no_such_text")


def test_values_may_be_plain():
    assert "3" in str(t("shell.total", count=3))
