"""When the frontend is built again, and when not."""

import json
import subprocess
from pathlib import Path

import pytest

from oneapi_app import frontend_build
from oneapi_app.errors import SettingsError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose "Reflex" writes an index page and names one service the pages were drawn from."""
    web = tmp_path / ".web"
    paths = {
        "WEB": web,
        "BUILT": web / "built",
        "STAMP": web / "stamp",
        "INPUTS": web / "inputs",
        "LOG": web / "log",
    }
    monkeypatch.setattr(frontend_build, "PROJECT", tmp_path)
    for name, path in paths.items():
        monkeypatch.setattr(frontend_build, name, path)
    monkeypatch.setattr(frontend_build, "_node_directory", lambda: tmp_path)
    (tmp_path / "oneapi_app" / "console").mkdir(parents=True)
    (tmp_path / "oneapi_app" / "console" / "page.py").write_text("one")
    (tmp_path / "oneapi_app" / "service.py").write_text("service")

    def reflex(_node: Path, progress: object) -> None:
        paths["BUILT"].mkdir(exist_ok=True)
        (paths["BUILT"] / "index.html").write_text("page")
        paths["INPUTS"].write_text(json.dumps(["oneapi_app/service.py"]))

    monkeypatch.setattr(frontend_build, "_run_reflex", reflex)
    return tmp_path


def build() -> list[str]:
    said: list[str] = []
    frontend_build.build_frontend(said.append)
    return said


def test_built_once_nothing_is_built_again(project: Path):
    assert not frontend_build.frontend_is_current()
    assert build()
    assert frontend_build.frontend_is_current()
    assert build() == []


def test_a_touched_file_is_no_change(project: Path):
    build()
    source = project / "oneapi_app" / "console" / "page.py"
    source.write_text(source.read_text())
    assert frontend_build.frontend_is_current()


@pytest.mark.parametrize(
    "changed", ["oneapi_app/console/page.py", "oneapi_app/service.py", "rxconfig.py", "assets/x.css"]
)
def test_a_changed_or_new_source_is_noticed(project: Path, changed: str):
    build()
    (project / changed).parent.mkdir(exist_ok=True)
    (project / changed).write_text("two")
    assert not frontend_build.frontend_is_current()


def test_a_module_the_pages_do_not_use_does_not_count(project: Path):
    build()
    (project / "oneapi_app" / "relay.py").write_text("new")
    assert frontend_build.frontend_is_current()


def test_a_removed_source_is_noticed(project: Path):
    build()
    (project / "oneapi_app" / "service.py").unlink()
    assert not frontend_build.frontend_is_current()


def test_another_version_of_reflex_is_noticed(project: Path, monkeypatch: pytest.MonkeyPatch):
    build()
    monkeypatch.setattr(frontend_build, "_version", lambda _name: "99")
    assert not frontend_build.frontend_is_current()


def test_without_node_the_built_frontend_stays_good(project: Path, monkeypatch: pytest.MonkeyPatch):
    build()
    version = frontend_build._version
    monkeypatch.setattr(
        frontend_build, "_version", lambda name: "" if name.startswith("nodejs") else version(name)
    )
    assert frontend_build.frontend_is_current()


def test_a_missing_page_or_broken_stamp_is_noticed(project: Path):
    build()
    frontend_build.STAMP.write_text("{")
    assert not frontend_build.frontend_is_current()
    build()
    (frontend_build.BUILT / "index.html").unlink()
    assert not frontend_build.frontend_is_current()


def test_a_failed_build_leaves_no_stamp(project: Path, monkeypatch: pytest.MonkeyPatch):
    build()
    (project / "rxconfig.py").write_text("changed")

    def failing(_node: Path, _progress: object) -> None:
        raise SettingsError("no network")

    monkeypatch.setattr(frontend_build, "_run_reflex", failing)
    with pytest.raises(SettingsError, match="no network"):
        build()
    assert not frontend_build.frontend_is_current()


def test_our_node_comes_before_the_machines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("REFLEX_API_URL", "http://elsewhere")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://registry.example/")
    environment = frontend_build._build_environment(Path("/venv/bin"))
    assert environment["PATH"].split(":")[0] == "/venv/bin"
    assert "REFLEX_API_URL" not in environment
    assert environment["REFLEX_USE_NPM"] == "1"


def test_a_build_leaves_the_lock_file_as_it_is_in_the_repository():
    """npm, asked for the settings it would build with, whatever the machine's own are."""
    node = frontend_build._node_directory()
    asked = subprocess.run(
        [node / "npm", "config", "get", "omit-lockfile-registry-resolved"],
        env=frontend_build._build_environment(node),
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == "true"
    lock = frontend_build.PROJECT / "reflex.lock" / "package-lock.json"
    assert '"resolved"' not in lock.read_text("utf-8"), "so the next build would change the file"
