"""The process's log: what others wrote cannot pass for a line of ours."""

import logging

import pytest

from oneapi_app.logs import configure
from oneapi_app.settings import default_settings


@pytest.fixture
def log_file(tmp_path):
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure(default_settings(log_dir=str(tmp_path), only_one_log_file=True))
    yield tmp_path / "oneapi.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


FORGED = "[INFO] 2024/01/01 - 00:00:00 | root | all is well"


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b[2K\x1b[1G"]
)
def test_a_line_cannot_be_forged(log_file, end):
    logging.getLogger("x").warning("channel %s failed", "a" + end + FORGED)
    lines = log_file.read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("[")] == [lines[0]]
    assert lines[0].startswith("[WARNING] ")
    assert "\x1b" not in log_file.read_text("utf-8")


def test_a_traceback_is_readable_and_cannot_forge_either(log_file):
    try:
        raise ValueError("no\n" + FORGED)
    except ValueError:
        logging.getLogger("x").exception("it failed")
    text = log_file.read_text("utf-8")
    assert "Traceback" in text and "ValueError: no" in text
    assert [line for line in text.splitlines() if not line.startswith("    ")] == [text.splitlines()[0]]


def test_other_scripts_stay_as_they_are(log_file):
    logging.getLogger("x").warning("渠道 é %s", "🙂")
    assert "渠道 é 🙂" in log_file.read_text("utf-8")
