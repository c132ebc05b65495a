"""The docs say what the code does: settings, links, commands, containers."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from oneapi_app.migration import VERSION_TABLE, tables_of
from oneapi_app.settings import VARIABLES
from tests.meta import compatibility_page, options_page
from tests.meta.settings_page import PAGE, render_page

PROJECT = Path(__file__).parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
KNOWN = {name for variable in VARIABLES for name in (variable.name, *variable.aliases)}

_LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|(?m:^ {4}[^\n]*$)", re.S)
_ASSIGNMENT = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\s*[=:]")
_FOREIGN = {
    "COMPOSE_PROFILES",  # docker compose
    "DATABASE_PASSWORD",  # docker-compose.yml
    "OPENAI_API_KEY",  # OpenAI's clients
    "OPENAI_BASE_URL",
    "PUBLIC_DOMAIN",  # Zeabur
    "PYTHONDONTWRITEBYTECODE",
    "MYSQL_DATABASE",
    "MYSQL_USER",
    "MYSQL_PASSWORD",
    "MYSQL_RANDOM_ROOT_PASSWORD",
    "POSTGRES_DB",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
}
"""Variables of other programs that our pages and templates set."""


def page_id(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def test_settings_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == render_page(), "run: python -m tests.meta.settings_page"


@pytest.mark.parametrize("page", ["databases.md", "migrate-from-one-api.md"])
def test_every_table_of_ours_is_named(page: str) -> None:
    text = (PROJECT / "docs" / page).read_text("utf-8")
    ours = [table.name for table in tables_of() if table.name.startswith("oneapi_")] + [VERSION_TABLE]
    assert [name for name in ours if not re.search(rf"\b{name}\b", text)] == []


def test_the_parity_table_is_whole_and_names_tests_there_are() -> None:
    rows = re.findall(
        r"^\| (\d+) \| (.+) \| (done|partly|no)\b(.*) \| (.*) \|$",
        (PROJECT / "docs/parity.md").read_text("utf-8"),
        re.M,
    )
    assert sorted(int(row[0]) for row in rows) == list(range(1, 71))
    for number, _, state, remark, tests in rows:
        assert state != "done" or tests.strip(), f"{number} is done but not tested"
        assert state != "partly" or remark.strip(" :"), f"{number} does not say what is missing"
        directory = PROJECT
        for name in re.findall(r"`([^`]+)`", tests):
            path = PROJECT / name if "/" in name else directory / name
            assert path.exists(), f"{number}: {name}"
            directory = path if path.is_dir() else path.parent


def test_options_page_is_current() -> None:
    written = options_page.PAGE.read_text("utf-8")
    assert written == options_page.render_page(), "run: python -m tests.meta.options_page"


def test_compatibility_page_is_current() -> None:
    written = compatibility_page.PAGE.read_text("utf-8")
    assert written == compatibility_page.render_page(), "run: python -m tests.meta.compatibility_page"


def test_settings_that_nothing_reads_say_so() -> None:
    """A variable is used somewhere, or its line admits that it has no effect."""
    code = "\n".join(path.read_text("utf-8") for path in PROJECT.glob("oneapi_app/**/*.py"))
    silent = [
        variable.name
        for variable in VARIABLES
        if not re.search(rf"(settings|self)\.{variable.field}\b", code)
        and not re.search(r"for compatibility", variable.help)
    ]
    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [target for target in _local_links(page) if not _exists(page, target)]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_variables_named_in_pages_exist(page: Path) -> None:
    prose = re.sub(r"```python.*?```", "", _text(page), flags=re.S)
    assert set(_ASSIGNMENT.findall(prose)) - KNOWN - _FOREIGN - _reflex(prose) == set()


@pytest.mark.parametrize("name", ["docker-compose.yml", "render.yaml", "deploy/zeabur.yaml", "Dockerfile"])
def test_variables_in_templates_exist(name: str) -> None:
    text = (PROJECT / name).read_text("utf-8")
    found = set(_ASSIGNMENT.findall(text)) | set(re.findall(r"- key: ([A-Z_]+)", text))
    assert {name for name in found if not name.startswith(("PIP_", "PYTHON"))} - KNOWN - _FOREIGN == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_make_targets_named_in_pages_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.M))
    named = re.findall(r"(?:`|^ {4}|&& |sudo -u oneapi )(?:[A-Z]+=\S+ )?make ([a-z0-9-]+)", _text(page), re.M)
    assert set(named) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_named_in_pages_exist(page: Path) -> None:
    import oneapi_app.__main__ as command_line

    known = {*command_line._COMMANDS, "version"}
    assert set(re.findall(r"python -m oneapi_app ([a-z]+)", _text(page))) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_paths_named_in_pages_exist(page: Path) -> None:
    """Backquoted paths into the sources, such as a file of the package."""
    paths = re.findall(r"`((?:oneapi_app|tests|docs|deploy|alembic|assets|bench)/[\w./-]+)`", _text(page))
    assert [path for path in paths if not (PROJECT / path).exists()] == []


def test_every_page_is_reachable_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [PROJECT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for target in _local_links(page):
            path = (page.parent / target.partition("#")[0]).resolve() if not target.startswith("#") else page
            waiting += sorted(path.glob("*.md")) if path.is_dir() else [path]
    assert [page_id(page) for page in PAGES if page not in seen] == []


def test_readme_runs_as_a_space() -> None:
    """Hugging Face reads the SDK and the port from the head of the README."""
    head = (PROJECT / "README.md").read_text("utf-8").split("---\n")[1]
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    dockerfile = (PROJECT / "Dockerfile").read_text("utf-8")
    assert fields["sdk"] == "docker"
    assert re.search(rf"^EXPOSE {fields['app_port']}$", dockerfile, re.M)
    assert re.search(rf"\bPORT={fields['app_port']}\b", dockerfile)


def test_changelog_has_this_version() -> None:
    from oneapi_app import __version__

    assert f"## {__version__}" in (PROJECT / "CHANGELOG.md").read_text("utf-8")


def test_image_holds_all_the_program_reads() -> None:
    """What is built from, and what runs, must not be left out by .dockerignore."""
    from oneapi_app.frontend_build import SOURCES

    allowed = {line[1:] for line in (PROJECT / ".dockerignore").read_text("utf-8").split() if line[0] == "!"}
    needed = {source.split("/")[0] for source in SOURCES} | {"alembic", "alembic.ini", "requirements.txt"}
    assert needed <= allowed
    assert not allowed & {".env", ".git", ".venv", ".web"}


@cache
def _text(page: Path) -> str:
    return page.read_text("utf-8")


def _local_links(page: Path) -> Iterator[str]:
    for target in _LINK.findall(_CODE.sub("", _text(page))):
        if not re.match(r"[a-z]+:", target):
            yield target


def _exists(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not anchor or file.suffix != ".md" or anchor in _anchors(file)


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them: lower case, punctuation dropped, blanks to hyphens."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", _text(page), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _reflex(text: str) -> set[str]:
    """Reflex's own variables, which records of decisions speak of."""
    return set(re.findall(r"\bREFLEX_[A-Z_]+", text))
