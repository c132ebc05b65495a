"""Process settings from the environment; the only reader of ``os.environ``.

One list, ``VARIABLES``, names every variable with its kind, default and meaning; ``docs/settings.md`` is
tested against it. A value that cannot be read stops the start with a sentence naming the variable.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from oneapi_app.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable. ``field`` is the attribute of ``Settings`` it fills."""

    name: str
    field: str
    read: Callable[[str], Any]
    default: Any
    help: str
    aliases: tuple[str, ...] = ()


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    lowered = value.strip().lower()
    if lowered in ("true", "1", "yes", "on"):
        return True
    if lowered in ("false", "0", "no", "off"):
        return False
    raise ValueError("expected true or false")


def _number(minimum: float = 0, maximum: float = 2**53, *, whole: bool = True) -> Callable[[str], Any]:
    def read(value: str) -> Any:
        try:
            number = int(value) if whole else float(value)
        except ValueError:
            raise ValueError("expected a whole number" if whole else "expected a number") from None
        if math.isnan(number) or number < minimum:
            raise ValueError(f"expected at least {minimum}")
        if number > maximum:
            raise ValueError(f"expected at most {maximum}")
        return number

    return read


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError("expected one of " + ", ".join(allowed))
        return value

    return read


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or not value.isascii() or not value.isprintable():
        raise ValueError("expected an http:// or https:// address")
    return value


def _proxy(value: str) -> str:
    if not re.fullmatch(r"(https?|socks5h?)://[^\s/?#]+/?", value):
        raise ValueError("expected an address such as http://host:3128 or socks5://host:1080")
    return value


def _frame_ancestors(value: str) -> str:
    """Shells and ``.env`` files take the quotes off a lone 'none': these two words need none."""
    sources = [f"'{source}'" if source in ("self", "none") else source for source in value.split()]
    for source in sources:
        if not re.fullmatch(r"'self'|'none'|https?://[A-Za-z0-9.*:\[\]-]+", source):
            raise ValueError("expected none, or self and addresses such as https://example.com")
    return " ".join(sources)


def _comma_list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


VARIABLES: tuple[Variable, ...] = (
    Variable("PORT", "port", _number(1, 65535), 3000, "Port to listen on; wins over --port."),
    Variable("HOST", "host", _text, "0.0.0.0", "Address to listen on."),  # noqa: S104 - a server
    Variable(
        "DEBUG",
        "debug",
        _flag,
        False,
        "More log lines. Never request bodies, keys or prompts; limits stay on.",
    ),
    Variable("DEBUG_SQL", "debug_sql", _flag, False, "Log SQL statements without their values."),
    Variable("GIN_MODE", "gin_mode", _text, "release", "Accepted for compatibility; has no effect."),
    Variable("SQL_DSN", "sql_dsn", _text, "", "Main database; empty means SQLite. See docs/databases.md."),
    Variable("LOG_SQL_DSN", "log_sql_dsn", _text, "", "Database of the usage log; empty means the main one."),
    Variable(
        "SQLITE_PATH", "sqlite_path", _text, "one-api.db", "SQLite file, relative to the working directory."
    ),
    Variable(
        "SQLITE_BUSY_TIMEOUT", "sqlite_busy_ms", _number(0), 3000, "Milliseconds to wait for another writer."
    ),
    Variable("SQL_MAX_IDLE_CONNS", "sql_max_idle", _number(1), 100, "Connections kept open per database."),
    Variable(
        "SQL_MAX_OPEN_CONNS", "sql_max_open", _number(1), 1000, "Connections open at once per database."
    ),
    Variable(
        "SQL_MAX_LIFETIME",
        "sql_max_lifetime_s",
        _number(1),
        60,
        "Seconds after which a connection is replaced.",
        ("SQL_CONN_MAX_LIFETIME",),
    ),
    Variable(
        "DATA_DIR",
        "data_dir",
        _text,
        "",
        "Directory for the ledger's journal; default: beside the SQLite file.",
    ),
    Variable(
        "REDIS_CONN_STRING",
        "redis_url",
        _text,
        "",
        "Keeps several nodes in step: redis://user:pw@host:port/db, rediss://, or host:port. See docs/nodes.md.",
    ),
    Variable(
        "REDIS_MASTER_NAME",
        "redis_master_name",
        _text,
        "",
        "Sentinel's name of the master; REDIS_CONN_STRING then lists Sentinels, host:port,host:port.",
    ),
    Variable(
        "REDIS_PASSWORD",
        "redis_password",
        _text,
        "",
        "Redis' password where REDIS_CONN_STRING holds none.",
    ),
    Variable(
        "SYNC_FREQUENCY",
        "sync_s",
        _number(1),
        600,
        "Seconds between full refreshes of options and channels from the database.",
    ),
    Variable(
        "MEMORY_CACHE_ENABLED",
        "memory_cache",
        _flag,
        True,
        "Accepted for compatibility: caches are always on.",
    ),
    Variable(
        "SESSION_SECRET",
        "session_secret",
        _text,
        "",
        "Accepted for compatibility, whatever its value: sessions live in the database, nothing is signed.",
    ),
    Variable(
        "NODE_TYPE",
        "node_type",
        _choice("master", "slave"),
        "master",
        "slave: no migration, no periodic work. Of several masters one does the periodic work.",
    ),
    Variable(
        "FRONTEND_BASE_URL",
        "frontend_base_url",
        _http_url,
        "",
        "On a slave: address that whatever it has not, pages included, is redirected to. Ignored on a master.",
    ),
    Variable(
        "CHANNEL_TEST_FREQUENCY",
        "channel_test_minutes",
        _number(1),
        None,
        "Minutes between tests of all channels.",
    ),
    Variable(
        "CHANNEL_UPDATE_FREQUENCY",
        "channel_update_minutes",
        _number(1),
        None,
        "Minutes between balance updates.",
    ),
    Variable("POLLING_INTERVAL", "polling_s", _number(0), 0, "Seconds between channels in bulk tests."),
    Variable(
        "BATCH_UPDATE_ENABLED",
        "batch_update",
        _flag,
        True,
        "Accepted for compatibility: the ledger always batches.",
    ),
    Variable(
        "BATCH_UPDATE_INTERVAL",
        "batch_update_s",
        _number(1),
        5,
        "Accepted for compatibility; batches reach the database within a second.",
    ),
    Variable(
        "RELAY_TIMEOUT",
        "relay_timeout_s",
        _number(0),
        0,
        "Seconds a relayed request may take in all; 0 = no limit.",
    ),
    Variable(
        "RELAY_CONNECT_TIMEOUT",
        "connect_timeout_s",
        _number(0, whole=False),
        10.0,
        "Seconds to connect to a provider.",
    ),
    Variable(
        "RELAY_FIRST_BYTE_TIMEOUT",
        "first_byte_timeout_s",
        _number(0, whole=False),
        300.0,
        "Seconds until the provider's answer begins; long for models that think first.",
    ),
    Variable(
        "RELAY_FIRST_CONTENT_TIMEOUT",
        "first_content_timeout_s",
        _number(0, whole=False),
        300.0,
        "Seconds until a stream's first content.",
    ),
    Variable(
        "RELAY_IDLE_TIMEOUT",
        "idle_timeout_s",
        _number(0, whole=False),
        120.0,
        "Seconds between two events of a stream.",
    ),
    Variable("RELAY_PROXY", "relay_proxy", _proxy, "", "Proxy for providers: http, https or socks5 URL."),
    Variable(
        "RELAY_MAX_BODY_MB", "max_body_mb", _number(1), 64, "Largest request body, after decompression."
    ),
    Variable(
        "RELAY_CONNECTIONS_PER_HOST",
        "connections_per_host",
        _number(1),
        1000,
        "Connections to one provider at once.",
    ),
    Variable(
        "USER_CONTENT_REQUEST_PROXY",
        "user_content_proxy",
        _proxy,
        "",
        "Proxy for fetching images users link to.",
    ),
    Variable(
        "USER_CONTENT_REQUEST_TIMEOUT", "user_content_timeout_s", _number(1), 30, "Seconds for such a fetch."
    ),
    Variable(
        "USER_CONTENT_ALLOW_PRIVATE",
        "user_content_allow_private",
        _flag,
        False,
        "Let such links point to private addresses.",
    ),
    Variable(
        "GLOBAL_API_RATE_LIMIT",
        "api_rate_limit",
        _number(0),
        480,
        "Requests per 3 minutes and address on /api and the billing paths; 0 = off.",
    ),
    Variable(
        "GLOBAL_WEB_RATE_LIMIT",
        "web_rate_limit",
        _number(0),
        240,
        "Pages per 3 minutes and address, assets not counted; 0 = off.",
    ),
    Variable(
        "CRITICAL_RATE_LIMIT",
        "critical_rate_limit",
        _number(0),
        20,
        "Sign-ins, registrations, mails and the like per 20 minutes and address; 0 = off.",
    ),
    Variable(
        "TRUSTED_PROXIES",
        "trusted_proxies",
        _comma_list,
        ("127.0.0.1/32", "::1/128"),
        "CIDRs whose X-Forwarded-For counts; * = all.",
    ),
    Variable(
        "FRAME_ANCESTORS",
        "frame_ancestors",
        _frame_ancestors,
        "'self' https://huggingface.co",
        "Sites that may show the console in a frame, as in Content-Security-Policy; none = no site.",
    ),
    Variable(
        "GEMINI_SAFETY_SETTING", "gemini_safety", _text, "BLOCK_NONE", "Threshold for all harm categories."
    ),
    Variable(
        "GEMINI_VERSION", "gemini_version", _text, "v1", "API version of Gemini channels that name none."
    ),
    Variable(
        "THEME",
        "theme",
        _choice("default", "berry", "air"),
        "default",
        "Look of the console until an option is saved.",
    ),
    Variable("ENABLE_METRIC", "metric_enabled", _flag, False, "Disable channels whose success rate falls."),
    Variable("METRIC_QUEUE_SIZE", "metric_queue_size", _number(1), 10, "Requests looked back on."),
    Variable(
        "METRIC_SUCCESS_RATE_THRESHOLD",
        "metric_threshold",
        _number(0, whole=False),
        0.8,
        "Lowest tolerated rate.",
    ),
    Variable(
        "METRIC_SUCCESS_CHAN_SIZE",
        "metric_success_chan_size",
        _number(1),
        1024,
        "Accepted for compatibility.",
    ),
    Variable(
        "METRIC_FAIL_CHAN_SIZE", "metric_fail_chan_size", _number(1), 128, "Accepted for compatibility."
    ),
    Variable(
        "TURNSTILE_VERIFY_URL",
        "turnstile_verify_url",
        _text,
        "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        "Where Turnstile's answers are checked; for networks that reach Cloudflare through another address.",
    ),
    Variable(
        "INITIAL_ROOT_TOKEN",
        "initial_root_token",
        _text,
        "",
        "Token created with the root account: up to 48 characters without '-', an sk- may lead.",
    ),
    Variable(
        "INITIAL_ROOT_ACCESS_TOKEN",
        "initial_root_access_token",
        _text,
        "",
        "The root account's access token, up to 32 characters.",
    ),
    Variable(
        "INITIAL_ROOT_PASSWORD",
        "initial_root_password",
        _text,
        "123456",
        "The root account's first password.",
    ),
    Variable(
        "ENFORCE_INCLUDE_USAGE",
        "enforce_include_usage",
        _flag,
        False,
        "Always ask OpenAI-type channels for usage in streams.",
    ),
    Variable(
        "TEST_PROMPT",
        "test_prompt",
        _text,
        "Output only your specific model name with no additional text.",
        "What a channel test asks.",
    ),
    Variable("LOG_DIR", "log_dir", _text, "./logs", "Directory of log files; --log-dir wins."),
    Variable(
        "ONLY_ONE_LOG_FILE",
        "only_one_log_file",
        _flag,
        False,
        "oneapi.log instead of one file per start day.",
    ),
    Variable(
        "LEDGER_BATCH_MS",
        "ledger_batch_ms",
        _number(1),
        200,
        "Milliseconds between two batches of settlements that are written to the database.",
    ),
    Variable(
        "LEDGER_FSYNC",
        "ledger_fsync",
        _flag,
        False,
        "Sync the journal to disk: survives power loss, costs throughput.",
    ),
    Variable("CONSOLE_ENABLED", "console_enabled", _flag, True, "false: serve the APIs only."),
    Variable(
        "TIKTOKEN_CACHE_DIR",
        "tiktoken_cache_dir",
        _text,
        "",
        "Accepted for compatibility: encoders are built in.",
    ),
    Variable(
        "DATA_GYM_CACHE_DIR",
        "data_gym_cache_dir",
        _text,
        "",
        "Accepted for compatibility: encoders are built in.",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. Field meanings: ``VARIABLES``."""

    port: int
    host: str
    debug: bool
    debug_sql: bool
    gin_mode: str
    sql_dsn: str
    log_sql_dsn: str
    sqlite_path: str
    sqlite_busy_ms: int
    sql_max_idle: int
    sql_max_open: int
    sql_max_lifetime_s: int
    data_dir: str
    redis_url: str
    redis_master_name: str
    redis_password: str
    sync_s: int
    memory_cache: bool
    session_secret: str
    node_type: str
    frontend_base_url: str
    channel_test_minutes: int | None
    channel_update_minutes: int | None
    polling_s: int
    batch_update: bool
    batch_update_s: int
    relay_timeout_s: int
    connect_timeout_s: float
    first_byte_timeout_s: float
    first_content_timeout_s: float
    idle_timeout_s: float
    relay_proxy: str
    max_body_mb: int
    connections_per_host: int
    user_content_proxy: str
    user_content_timeout_s: int
    user_content_allow_private: bool
    api_rate_limit: int
    web_rate_limit: int
    critical_rate_limit: int
    trusted_proxies: tuple[str, ...]
    frame_ancestors: str
    gemini_safety: str
    gemini_version: str
    theme: str
    metric_enabled: bool
    metric_queue_size: int
    metric_threshold: float
    metric_success_chan_size: int
    metric_fail_chan_size: int
    turnstile_verify_url: str
    initial_root_token: str
    initial_root_access_token: str
    initial_root_password: str
    enforce_include_usage: bool
    test_prompt: str
    log_dir: str
    only_one_log_file: bool
    ledger_batch_ms: int
    ledger_fsync: bool
    console_enabled: bool
    tiktoken_cache_dir: str
    data_gym_cache_dir: str

    @property
    def is_master(self) -> bool:
        return self.node_type == "master"

    @property
    def pages_elsewhere(self) -> str:
        """Where a slave sends whoever asks for what it has not; empty where it shows its own pages."""
        return "" if self.is_master else self.frontend_base_url.rstrip("/")

    @property
    def journal_dir(self) -> Path:
        """Where the ledger's journal lives: ``DATA_DIR``, else beside the SQLite file."""
        base = Path(self.data_dir) if self.data_dir else Path(self.sqlite_path).parent
        return base / "ledger"


def load_settings(
    environment: Mapping[str, str] | None = None,
    *,
    dotenv: Path | None = Path(".env"),
    flags: Mapping[str, str] | None = None,
) -> Settings:
    """Reads the environment over a ``.env`` file over ``flags``. Raises SettingsError naming the variable at fault."""
    values = dict(flags or {})
    for source in (_read_dotenv(dotenv), os.environ if environment is None else environment):
        values.update((name, value) for name, value in source.items() if value != "")
    read: dict[str, Any] = {}
    for variable in VARIABLES:
        raw = next((values[n] for n in (variable.name, *variable.aliases) if n in values), None)
        if raw is None:
            read[variable.field] = variable.default
            continue
        try:
            read[variable.field] = variable.read(raw)
        except ValueError as error:
            # What stands before an @ is somebody's name and password.
            shown = re.sub(r"[^/\s]*@", "...@", raw)
            raise SettingsError(f"{variable.name}: {error}, got {shown!r}") from None
    return Settings(**read)


def default_settings(**overrides: Any) -> Settings:
    """Defaults with some fields replaced; for tests and tools."""
    known = {field.name for field in fields(Settings)}
    if unknown := overrides.keys() - known:
        raise TypeError(f"no such settings: {sorted(unknown)}")
    return Settings(**{variable.field: variable.default for variable in VARIABLES} | overrides)


_ASSIGNMENT = re.compile(
    r"""(?:export\s+)?(?P<name>\w+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>.*?))(?:\s+\#.*)?""",
)


def _read_dotenv(path: Path | None) -> dict[str, str]:
    """``NAME=value`` lines; values may be quoted, a comment begins with ``#`` after a blank."""
    if path is None or not path.is_file():
        return {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {type(error).__name__}") from None
    found: dict[str, str] = {}
    for line in lines:
        assignment = _ASSIGNMENT.fullmatch(line.strip())
        if assignment:
            parts = assignment.group("double", "single", "bare")
            found[assignment["name"]] = next(part for part in parts if part is not None)
    return found
