"""Reads ``SQL_DSN``: the Go form of MySQL, and URLs, into what SQLAlchemy and the drivers take.

Existing installations keep their variable as it is, so the Go drivers' reading is followed: the last ``@`` ends
the password, which is taken literally, and a parameter neither driver nor server would know is a server variable.
Error texts name the variable and what is expected, never the password. This module connects to nothing.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import certifi
from sqlalchemy.engine import URL

from oneapi_app.errors import SettingsError

CONNECT_TIMEOUT_S = 10

_GO_FORM = re.compile(
    r"(?:(?P<user>[^:@]*)(?P<password>:.*)?@)?"
    r"(?P<net>[A-Za-z0-9]*)(?:\((?P<address>[^()]*)\))?/(?P<database>[^/?]*)(?:\?(?P<parameters>.*))?",
    re.DOTALL,
)
_URL_TAIL = r"(?P<hosts>[^/?#@]*)(?:/(?P<database>[^/?#]*))?(?:\?(?P<parameters>[^#]*))?"
_URL_FORMS = (
    re.compile(r"(?:(?P<user>[^:@/?#]*)(?P<password>:[^/?#]*)?@)?" + _URL_TAIL),
    re.compile(r"(?:(?P<user>[^:@]*)(?P<password>:.*)?@)" + _URL_TAIL, re.DOTALL),
)
"""The second reads what the first cannot: a password with ``/``, ``?`` or ``#`` that nobody percent-encoded."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where a database is and how to connect. ``variable`` is the setting it came from, for error texts."""

    url: URL
    connect_args: Mapping[str, Any] = field(default_factory=dict[str, Any])
    variable: str = "SQL_DSN"

    @property
    def place(self) -> str:
        """For people: engine, host, port and database; no user, no password."""
        if self.url.get_backend_name() == "sqlite":
            return f"SQLite file {self.url.database}"
        engine = "PostgreSQL" if self.url.get_backend_name() == "postgresql" else "MySQL"
        host = (
            self.url.host or self.connect_args.get("unix_socket") or self.url.query.get("host") or "localhost"
        )
        port = f":{self.url.port}" if self.url.port else ""
        return f"{engine} at {host}{port}/{self.url.database or ''}"


def read_dsn(dsn: str, *, sqlite_path: str = "one-api.db", variable: str = "SQL_DSN") -> DatabaseAddress:
    """The address a DSN means; an empty one is the SQLite file. Raises SettingsError, without the password."""
    dsn = dsn.strip()
    if not dsn:
        return DatabaseAddress(URL.create("sqlite", database=sqlite_path), {}, "SQLITE_PATH")
    scheme, separator, rest = dsn.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+]*", scheme):
        return _read_go_form(dsn, variable)
    engine = scheme.lower().partition("+")[0]
    if engine in ("postgres", "postgresql"):
        return _read_postgres_url(rest, variable)
    if engine in ("mysql", "mariadb"):
        return _read_mysql_url(rest, variable)
    raise SettingsError(f"{variable}: cannot use a database of kind {scheme!r}; {_FORMS}")


_FORMS = "expected postgres://user:password@host:port/database or user:password@tcp(host:port)/database"


_LIBPQ = frozenset(
    """
    host hostaddr port dbname user password passfile channel_binding connect_timeout client_encoding options
    application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count
    tcp_user_timeout replication gssencmode gssdelegation sslmode sslnegotiation sslcompression sslcert sslkey
    sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni require_auth requirepeer ssl_min_protocol_version
    ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname gsslib service
    target_session_attrs load_balance_hosts
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
_OTHER_CLIENTS = frozenset(
    """
    pool_max_conns pool_min_conns pool_max_conn_lifetime pool_max_conn_idle_time pool_health_check_period
    statement_cache_capacity statement_cache_mode description_cache_capacity default_query_exec_mode
    prefer_simple_protocol pgbouncer connection_limit pool_timeout schema supa workaround
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Words of pgx, Prisma and Supabase's copy-and-paste strings that mean nothing to the server."""


def _read_postgres_url(rest: str, variable: str) -> DatabaseAddress:
    parts = _match_url(rest, variable)
    query: dict[str, str | tuple[str, ...]] = {}
    variables: list[str] = []
    for name, value in _parameters(parts["parameters"]):
        if name in _LIBPQ:
            query[name] = value
        elif name not in _OTHER_CLIENTS:
            variables.append(f"-c {_variable_name(name, variable)}={_escape_option(value)}")
    if variables:
        query["options"] = " ".join([*filter(None, [str(query.get("options", ""))]), *variables])
    if query.get("sslmode") in ("verify-ca", "verify-full") and "sslrootcert" not in query:
        query["sslrootcert"] = _system_authorities()
    query.setdefault("connect_timeout", str(CONNECT_TIMEOUT_S))
    hosts = [_host_and_port(part, variable) for part in parts["hosts"].split(",")]
    if len(hosts) > 1:
        query["host"] = tuple(f"{host}:{port or 5432}" for host, port in hosts)
        hosts = [("", None)]
    url = URL.create(
        "postgresql+psycopg2",
        username=parts["user"] or None,
        password=parts["password"],
        host=hosts[0][0] or None,
        port=hosts[0][1],
        database=parts["database"] or None,
        query=query,
    )
    return DatabaseAddress(url, {}, variable)


def _escape_option(value: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", value)


_GO_ONLY = frozenset(
    """
    allowallfiles allowcleartextpasswords allowfallbacktoplaintext allownativepasswords allowoldpasswords
    checkconnliveness clientfoundrows columnswithalias compress connectionattributes interpolateparams loc
    maxallowedpacket multistatements parsetime rejectreadonly serverpubkey timetruncate
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""go-sql-driver's switches about Go values and the wire, without effect here: times are integers in this schema."""

_SSL_MODES = {
    "disabled": "false",
    "preferred": "preferred",
    "required": "skip-verify",
    "verify_ca": "verify-ca",
    "verify_identity": "true",
}
"""MySQL's own ``ssl-mode``, as aiven prints it, in go-sql-driver's words."""


def _read_go_form(dsn: str, variable: str) -> DatabaseAddress:
    match = _GO_FORM.fullmatch(dsn)
    if match is None:
        raise SettingsError(f"{variable}: cannot be read; {_FORMS}")
    net, address = match["net"] or "tcp", match["address"] or ""
    host, port, socket = "127.0.0.1", 3306, None
    if net == "unix":
        socket = address or "/tmp/mysql.sock"  # noqa: S108 - the Go driver's default
    elif net in ("tcp", "tcp4", "tcp6"):
        if address:
            host, found = _host_and_port(address, variable)
            host, port = host or "127.0.0.1", found or 3306
    else:
        raise SettingsError(f"{variable}: unknown network {net!r}; expected tcp(host:port) or unix(/path)")
    return _mysql_address(
        user=match["user"],
        password=match["password"][1:] if match["password"] else None,
        host=None if socket else host,
        port=None if socket else port,
        socket=socket,
        database=unquote(match["database"]),
        parameters=_parameters(match["parameters"]),
        variable=variable,
    )


def _read_mysql_url(rest: str, variable: str) -> DatabaseAddress:
    if re.search(r"(^|@)(tcp|unix)\(", rest):
        return _read_go_form(rest, variable)
    parts = _match_url(rest, variable)
    host, port = _host_and_port(parts["hosts"], variable)
    parameters = _parameters(parts["parameters"])
    socket = dict(parameters).get("unix_socket") or dict(parameters).get("socket")
    return _mysql_address(
        user=parts["user"],
        password=parts["password"],
        host=None if socket else host or "127.0.0.1",
        port=None if socket else port or 3306,
        socket=socket,
        database=parts["database"],
        parameters=[(name, value) for name, value in parameters if name not in ("unix_socket", "socket")],
        variable=variable,
    )


def _mysql_address(
    *,
    user: str | None,
    password: str | None,
    host: str | None,
    port: int | None,
    socket: str | None,
    database: str,
    parameters: list[tuple[str, str]],
    variable: str,
) -> DatabaseAddress:
    if not database:
        raise SettingsError(f"{variable}: names no database; {_FORMS}")
    arguments: dict[str, Any] = {"charset": "utf8mb4", "connect_timeout": CONNECT_TIMEOUT_S}
    tls: dict[str, str] = {}
    variables: list[str] = []
    for name, value in parameters:
        lowered = name.lower().replace("-", "_")
        if lowered in _TIMEOUTS:
            arguments[_TIMEOUTS[lowered]] = _seconds(value, name, variable)
        elif lowered == "collation":
            if value.startswith("utf8mb4_"):
                arguments["collation"] = value
        elif lowered in _TLS_WORDS:
            tls[_TLS_WORDS[lowered]] = value
        elif lowered != "charset" and lowered not in _GO_ONLY:
            variables.append(f"{_variable_name(name, variable)}={value}")
    if variables:
        arguments["init_command"] = "SET " + ", ".join(variables)
    if socket:
        arguments["unix_socket"] = socket
    if password is not None and not password.isascii():
        arguments["password"] = password.encode()  # the driver would encode text as latin-1
    arguments.update(_tls_arguments(tls, variable))
    url = URL.create("mysql+pymysql", user or None, password, host, port, database)
    return DatabaseAddress(url, arguments, variable)


_TIMEOUTS = {
    "timeout": "connect_timeout",
    "connect_timeout": "connect_timeout",
    "readtimeout": "read_timeout",
    "read_timeout": "read_timeout",
    "writetimeout": "write_timeout",
    "write_timeout": "write_timeout",
}
_TLS_WORDS = {
    "tls": "mode",
    "ssl_mode": "ssl_mode",
    "sslmode": "ssl_mode",
    "sslaccept": "accept",
    "ssl_ca": "ca",
    "sslca": "ca",
    "sslrootcert": "ca",
    "ssl_cert": "cert",
    "sslcert": "cert",
    "ssl_key": "key",
    "sslkey": "key",
    "ssl_verify_cert": "verify_cert",
    "ssl_verify_identity": "verify_identity",
}


def _tls_arguments(words: Mapping[str, str], variable: str) -> dict[str, Any]:
    """PyMySQL's arguments for go-sql-driver's ``tls`` or a URL's ``ssl…``. A context means: TLS or nothing."""
    mode = _tls_mode(words, variable)
    if mode == "false":
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    authority = words.get("ca")
    if mode == "custom" and not authority:
        raise SettingsError(f"{variable}: tls=custom needs the authority's certificate: &ssl-ca=/path/ca.pem")
    try:
        context = ssl.create_default_context(cafile=authority or _system_authorities())
        if "cert" in words:
            context.load_cert_chain(words["cert"], words.get("key"))
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{variable}: the TLS certificate files cannot be read: {error}") from None
    # Authorities that MySQL and MariaDB generate for themselves lack extensions the strict check asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if mode in ("skip-verify", "verify-ca"):
        context.check_hostname = False
    if mode == "skip-verify":
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def _tls_mode(words: Mapping[str, str], variable: str) -> str:
    if "mode" in words:
        mode = words["mode"].lower()
        mode = {"1": "true", "0": "false"}.get(mode, mode)
        if mode not in ("true", "false", "skip-verify", "preferred", "custom"):
            raise SettingsError(
                f"{variable}: unknown tls={words['mode']!r}; expected true, false, skip-verify, preferred or custom"
            )
        return mode
    if "ssl_mode" in words:
        name = words["ssl_mode"].lower().replace("-", "_")
        if name not in _SSL_MODES:
            raise SettingsError(
                f"{variable}: unknown ssl-mode {words['ssl_mode']!r}; expected {', '.join(_SSL_MODES)}"
            )
        return _SSL_MODES[name]
    if "accept" in words:
        return "true" if words["accept"] == "strict" else "skip-verify"
    if words.get("verify_identity", "").lower() in ("1", "true"):
        return "true"
    if "ca" in words or words.get("verify_cert", "").lower() in ("1", "true"):
        return "verify-ca"
    return "skip-verify" if words else "false"


def _match_url(rest: str, variable: str) -> dict[str, Any]:
    """user, password (both decoded), hosts, database, parameters."""
    for form in _URL_FORMS:
        match = form.fullmatch(rest)
        if match and re.fullmatch(r"(?:\[[^\]]*\]|[^:,]*)(?::\d+)?", match["hosts"].split(",")[0]):
            password = match["password"]
            return {
                "user": unquote(match["user"] or ""),
                "password": unquote(password[1:]) if password else None,
                "hosts": match["hosts"],
                "database": unquote(match["database"] or ""),
                "parameters": match["parameters"],
            }
    raise SettingsError(
        f"{variable}: the URL cannot be read; expected scheme://user:password@host:port/database"
    )


def _host_and_port(text: str, variable: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:]*))(?::(?P<port>\d+))?", text)
    if match is None:
        raise SettingsError(f"{variable}: the address {text!r} cannot be read; expected host:port")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        raise SettingsError(f"{variable}: there is no port {port}")
    return unquote(match["six"] or match["host"] or ""), port


def _parameters(text: str | None) -> list[tuple[str, str]]:
    return parse_qsl(text or "", keep_blank_values=True)


def _variable_name(name: str, variable: str) -> str:
    if not re.fullmatch(r"[A-Za-z_@][\w.@]*", name):
        raise SettingsError(f"{variable}: unknown parameter {name!r}")
    return name


def _seconds(value: str, name: str, variable: str) -> float:
    """A Go duration (``1m30s``, ``500ms``) or plain seconds."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "": 1.0}
    parts = re.findall(r"([\d.]+)(ms|us|µs|ns|h|m|s|)", value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise SettingsError(f"{variable}: {name}: expected a duration like 10s, got {value!r}")
    return max(sum(float(number) * units[unit] for number, unit in parts), 0.001)


def _system_authorities() -> str:
    """The machine's certificate authorities, or Mozilla's list where the machine (a slim container) has none."""
    found = ssl.get_default_verify_paths().cafile
    return found if found and Path(found).is_file() else certifi.where()
