"""The environment, the .env file and the flags: what counts, and what stops the start in one line."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from oneapi_app import logs
from oneapi_app.errors import SettingsError
from oneapi_app.settings import VARIABLES, default_settings, load_settings

PROJECT = Path(__file__).parents[1]
READ_AS = {
    "PORT": ("8080", 8080),
    "DEBUG": ("TRUE", True),
    "MEMORY_CACHE_ENABLED": ("False", False),
    "SYNC_FREQUENCY": ("60", 60),
    "NODE_TYPE": ("slave", "slave"),
    "THEME": ("berry", "berry"),
    "METRIC_SUCCESS_RATE_THRESHOLD": ("0.5", 0.5),
    "TRUSTED_PROXIES": ("10.0.0.0/8, ::1/128", ("10.0.0.0/8", "::1/128")),
    "SQL_CONN_MAX_LIFETIME": ("30", 30),
}


def load(**environment: str):
    return load_settings(environment, dotenv=None)


def test_nothing_set_means_the_defaults() -> None:
    assert load() == default_settings()
    assert load(**{variable.name: "" for variable in VARIABLES}) == default_settings()


@pytest.mark.parametrize("name", READ_AS)
def test_what_is_set_is_read(name: str) -> None:
    text, value = READ_AS[name]
    (field,) = [v.field for v in VARIABLES if name in (v.name, *v.aliases)]
    assert getattr(load(**{name: text}), field) == value


def test_every_variable_of_the_original_is_known() -> None:
    names = {name for variable in VARIABLES for name in (variable.name, *variable.aliases)}
    assert names >= {
        "PORT", "GIN_MODE", "DEBUG", "DEBUG_SQL", "SQL_DSN", "LOG_SQL_DSN", "SQLITE_PATH", "SQLITE_BUSY_TIMEOUT",
        "SQL_MAX_IDLE_CONNS", "SQL_MAX_OPEN_CONNS", "SQL_MAX_LIFETIME", "SQL_CONN_MAX_LIFETIME",
        "REDIS_CONN_STRING", "REDIS_MASTER_NAME", "REDIS_PASSWORD", "SYNC_FREQUENCY", "MEMORY_CACHE_ENABLED",
        "SESSION_SECRET", "NODE_TYPE", "FRONTEND_BASE_URL", "CHANNEL_TEST_FREQUENCY", "CHANNEL_UPDATE_FREQUENCY",
        "POLLING_INTERVAL", "BATCH_UPDATE_ENABLED", "BATCH_UPDATE_INTERVAL", "RELAY_TIMEOUT", "RELAY_PROXY",
        "USER_CONTENT_REQUEST_PROXY", "USER_CONTENT_REQUEST_TIMEOUT", "GLOBAL_API_RATE_LIMIT",
        "GLOBAL_WEB_RATE_LIMIT", "GEMINI_SAFETY_SETTING", "GEMINI_VERSION", "THEME", "ENABLE_METRIC",
        "METRIC_QUEUE_SIZE", "METRIC_SUCCESS_RATE_THRESHOLD", "METRIC_SUCCESS_CHAN_SIZE", "METRIC_FAIL_CHAN_SIZE",
        "INITIAL_ROOT_TOKEN", "INITIAL_ROOT_ACCESS_TOKEN", "ENFORCE_INCLUDE_USAGE", "TEST_PROMPT",
        "ONLY_ONE_LOG_FILE", "TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("DEBUG", "maybe"),
        ("SYNC_FREQUENCY", "0"),
        ("SYNC_FREQUENCY", "1.5"),
        ("CHANNEL_TEST_FREQUENCY", "often"),
        ("NODE_TYPE", "primary"),
        ("THEME", "dark"),
        ("METRIC_SUCCESS_RATE_THRESHOLD", "nan"),
        ("RELAY_CONNECT_TIMEOUT", "inf"),
        ("RELAY_TIMEOUT", "-1"),
        ("GLOBAL_API_RATE_LIMIT", "1e3"),
        ("RELAY_PROXY", "10.0.0.9:3128"),
        ("USER_CONTENT_REQUEST_PROXY", "ftp://10.0.0.9"),
        ("FRAME_ANCESTORS", "nobody"),
    ],
)
def test_what_cannot_be_read_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: expected .*{value}"):
        load(**{name: value})


def test_a_password_in_what_cannot_be_read_is_not_told() -> None:
    with pytest.raises(SettingsError, match=r"^RELAY_PROXY: .*10\.0\.0\.9") as error:
        load(RELAY_PROXY="amy:p@ss@10.0.0.9:3128")
    assert "amy" not in str(error.value) and "ss" not in str(error.value).partition("got")[2]
    good = "socks5://amy:pw@10.0.0.9:1080"
    assert load(RELAY_PROXY=good).relay_proxy == good


DOTENV = """\
\ufeff# a comment
PORT=4000
export THEME=air
SQL_DSN='user:p#w@tcp(h:1)/d?a=b'   # quoted
TEST_PROMPT="say: # hi"
REDIS_CONN_STRING=redis://:p#w@h:1/0 # not quoted
GEMINI_VERSION =  v1beta
SESSION_SECRET=
not an assignment
"""


def test_the_environment_wins_over_dotenv_and_both_over_flags(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(DOTENV, encoding="utf-8")
    read = load_settings({"THEME": "berry", "GEMINI_VERSION": ""}, dotenv=file, flags={"PORT": "5000"})
    assert (read.port, read.theme, read.gemini_version) == (4000, "berry", "v1beta")
    assert read.sql_dsn == "user:p#w@tcp(h:1)/d?a=b"
    assert read.test_prompt == "say: # hi"
    assert read.redis_url == "redis://:p#w@h:1/0"
    assert load_settings({"PORT": "3000"}, dotenv=None, flags={"PORT": "5000"}).port == 3000
    assert load_settings({"PORT": ""}, dotenv=None, flags={"PORT": "5000"}).port == 5000
    file.write_bytes(b"PORT=\xff")
    with pytest.raises(SettingsError, match=r"\.env: cannot be read"):
        load_settings({}, dotenv=file)


def oneapi(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    variables: Mapping[str, str] = kept | {"PYTHONPATH": str(PROJECT)} | environment
    command = [sys.executable, "-m", "oneapi_app", *arguments]
    return subprocess.run(
        command, env=variables, cwd="/", capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_line() -> None:
    assert (oneapi("--version").stdout, oneapi("version").returncode) == ("1.0.0\n", 0)
    help_ = oneapi("--help")
    assert help_.returncode == 0 and "--port" in help_.stdout and "--log-dir" in help_.stdout
    wrong = oneapi("doctor", "--port", "99999")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert wrong.stderr.startswith("oneapi: PORT: expected at most 65535")
    unreadable = oneapi("run", NODE_TYPE="both")
    assert (unreadable.returncode, unreadable.stderr.count("\n")) == (1, 1)


def test_log_files_are_named_by_the_day_or_one_for_all(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(logs.logging, "basicConfig", lambda **settings: made.extend(settings["handlers"]))
    made: list[logs.logging.Handler] = []
    logs.configure(default_settings(log_dir=str(tmp_path / "a" / "b")))
    logs.configure(default_settings(log_dir=str(tmp_path), only_one_log_file=True))
    for handler in made:
        handler.close()
    (daily,) = (tmp_path / "a" / "b").iterdir()
    assert daily.name == logs.time.strftime("oneapi-%Y%m%d.log")
    assert (tmp_path / "oneapi.log").is_file()
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="LOG_DIR: cannot write"):
        logs.configure(default_settings(log_dir=str(tmp_path / "file" / "x")))
