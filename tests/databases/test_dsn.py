"""Every form of SQL_DSN people have, read as the Go drivers read it, or better."""

import ssl

import pytest

from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import WORKER_THREADS, open_database
from oneapi_app.kit.dsn import read_dsn
from oneapi_app.settings import default_settings


def read(dsn: str) -> tuple:
    url = read_dsn(dsn).url
    return url.drivername, url.username, url.password, url.host, url.port, url.database


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("root:123456@tcp(localhost:3306)/oneapi", ("root", "123456", "localhost", 3306, "oneapi")),
        ("root@tcp(db)/oneapi", ("root", None, "db", 3306, "oneapi")),
        ("root:@tcp(db)/oneapi", ("root", "", "db", 3306, "oneapi")),
        ("root:pw@/oneapi", ("root", "pw", "127.0.0.1", 3306, "oneapi")),
        ("/oneapi", (None, None, "127.0.0.1", 3306, "oneapi")),
        ("tcp(h)/oneapi", (None, None, "h", 3306, "oneapi")),
        ("u:p@ss@tcp(h:1)/d", ("u", "p@ss", "h", 1, "d")),
        ("u:a:b/c?d#e%41@tcp(h:1)/d", ("u", "a:b/c?d#e%41", "h", 1, "d")),
        ("u:x@tcp(fake:2)/y@tcp(h:1)/d", ("u", "x@tcp(fake:2)/y", "h", 1, "d")),
        ("u:p@tcp([fe80::1]:3307)/d", ("u", "p", "fe80::1", 3307, "d")),
        ("u:p@tcp(h:1)/d?charset=utf8&parseTime=True&loc=Asia/Shanghai", ("u", "p", "h", 1, "d")),
        ("u:p@tcp(h:1)/d?loc=Asia%2FShanghai&tls=false", ("u", "p", "h", 1, "d")),
        ("mysql://u:p%40s@h:1/d", ("u", "p@s", "h", 1, "d")),
        ("mysql+pymysql://u:p@h/d", ("u", "p", "h", 3306, "d")),
        ("mysql://u:p@ss@tcp(h:1)/d", ("u", "p@ss", "h", 1, "d")),
        ("mariadb://u:p/w?x#y@h:1/d", ("u", "p/w?x#y", "h", 1, "d")),
    ],
)
def test_mysql(dsn: str, expected: tuple) -> None:
    assert read(dsn) == ("mysql+pymysql", *expected)
    assert read_dsn(dsn).connect_args["charset"] == "utf8mb4"


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgres://u:p@h:5433/d", ("u", "p", "h", 5433, "d")),
        ("postgresql://u:p@h/d?sslmode=require", ("u", "p", "h", None, "d")),
        ("postgresql+psycopg2://u@h/d", ("u", None, "h", None, "d")),
        ("postgres://u:p%40%3A%2F%3F%23@h/d", ("u", "p@:/?#", "h", None, "d")),
        ("postgres://u:p@ss/w?o#rd@h:5432/d?sslmode=disable", ("u", "p@ss/w?o#rd", "h", 5432, "d")),
        ("postgres://u:p@[::1]:5432/d", ("u", "p", "::1", 5432, "d")),
        ("postgres:///d?host=/var/run/postgresql", (None, None, None, None, "d")),
        (
            "postgresql://neondb_owner:npg_x@ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech/neondb"
            "?sslmode=require&channel_binding=require",
            (
                "neondb_owner",
                "npg_x",
                "ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech",
                None,
                "neondb",
            ),
        ),
        (
            "postgresql://postgres.abcdef:pw@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true",
            ("postgres.abcdef", "pw", "aws-0-eu-central-1.pooler.supabase.com", 6543, "postgres"),
        ),
    ],
)
def test_postgres(dsn: str, expected: tuple) -> None:
    assert read(dsn) == ("postgresql+psycopg2", *expected)


def test_postgres_parameters_reach_driver_or_server() -> None:
    query = read_dsn(
        "postgres://h/d?sslmode=require&search_path=a b&TimeZone=UTC&pool_max_conns=3&pgbouncer=1"
    ).url.query
    assert query["sslmode"] == "require"
    assert query["options"] == r"-c search_path=a\ b -c TimeZone=UTC"
    assert set(query) == {"sslmode", "options", "connect_timeout"}
    assert read_dsn("postgres://h/d?connect_timeout=3").url.query["connect_timeout"] == "3"
    verified = read_dsn("postgres://h/d?sslmode=verify-full").url.query
    assert verified["sslrootcert"], "the machine's authorities, as the original's driver uses them"
    assert read_dsn("postgres://a:1,b:2/d").url.query["host"] == ("a:1", "b:2")


def test_mysql_parameters_reach_driver_or_server() -> None:
    arguments = read_dsn(
        "u:p@tcp(h)/d?timeout=5s&readTimeout=1m30s&writeTimeout=500ms&collation=utf8mb4_unicode_ci"
        "&time_zone=%27%2B08%3A00%27&sql_mode=%27ANSI%27&interpolateParams=true&maxAllowedPacket=0"
    ).connect_args
    assert arguments == {
        "charset": "utf8mb4",
        "connect_timeout": 5.0,
        "read_timeout": 90.0,
        "write_timeout": 0.5,
        "collation": "utf8mb4_unicode_ci",
        "init_command": "SET time_zone='+08:00', sql_mode='ANSI'",
        "ssl_disabled": True,
    }


def test_sockets() -> None:
    assert (
        read_dsn("u:p@unix(/run/mysqld/mysqld.sock)/d").connect_args["unix_socket"]
        == "/run/mysqld/mysqld.sock"
    )
    assert read_dsn("mysql://u:p@/d?unix_socket=/run/m.sock").connect_args["unix_socket"] == "/run/m.sock"
    assert read_dsn("u:p@unix(/run/m.sock)/d").place == "MySQL at /run/m.sock/d"


@pytest.mark.parametrize(
    ("parameters", "verify", "hostname"),
    [
        ("tls=true", ssl.CERT_REQUIRED, True),
        ("tls=skip-verify", ssl.CERT_NONE, False),
        ("ssl-mode=REQUIRED", ssl.CERT_NONE, False),
        ("ssl-mode=VERIFY_CA", ssl.CERT_REQUIRED, False),
        ("ssl_mode=VERIFY_IDENTITY", ssl.CERT_REQUIRED, True),
        ("sslaccept=strict", ssl.CERT_REQUIRED, True),
        ("ssl_verify_cert=true&ssl_verify_identity=true", ssl.CERT_REQUIRED, True),
    ],
)
def test_tls_of_mysql(parameters: str, verify: ssl.VerifyMode, hostname: bool) -> None:
    for dsn in (f"u:p@tcp(h)/d?{parameters}", f"mysql://u:p@h/d?{parameters}"):
        context = read_dsn(dsn).connect_args["ssl"]
        assert (context.verify_mode, context.check_hostname) == (verify, hostname)


def test_tls_left_to_the_server() -> None:
    assert "ssl" not in read_dsn("u:p@tcp(h)/d?tls=preferred").connect_args
    assert "ssl_disabled" not in read_dsn("u:p@tcp(h)/d?tls=preferred").connect_args
    assert read_dsn("u:p@tcp(h)/d").connect_args["ssl_disabled"] is True


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        ("u:s3cret@tcp(h:3306)", "cannot be read"),
        ("host=h user=u password=s3cret dbname=d", "cannot be read"),
        ("oracle://u:s3cret@h/d", "kind 'oracle'"),
        ("u:s3cret@tcp(h)/", "names no database"),
        ("mysql://u:s3cret@h", "names no database"),
        ("u:s3cret@pipe(h)/d", "unknown network"),
        ("u:s3cret@tcp(h:99999)/d", "no port 99999"),
        ("u:s3cret@tcp(a:b:c)/d", "expected host:port"),
        ("u:s3cret@tcp(h)/d?tls=maybe", "unknown tls"),
        ("u:s3cret@tcp(h)/d?tls=custom", "ssl-ca"),
        ("u:s3cret@tcp(h)/d?tls=custom&ssl-ca=/nowhere.pem", "cannot be read"),
        ("u:s3cret@tcp(h)/d?ssl-mode=MAYBE", "unknown ssl-mode"),
        ("u:s3cret@tcp(h)/d?timeout=soon", "expected a duration"),
        ("u:s3cret@tcp(h)/d?a;b=1", "unknown parameter"),
        ("postgres://u:s3cret@h:port/d", "cannot be read"),
        ("postgres://u:s3cret@h/d?a;b=1", "unknown parameter"),
    ],
)
def test_a_wrong_dsn_is_one_line_without_the_password(dsn: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_dsn(dsn, variable="LOG_SQL_DSN")
    text = str(caught.value)
    assert text.startswith("LOG_SQL_DSN: ")
    assert says in text
    assert "s3cret" not in text and "\n" not in text


def test_empty_is_sqlite() -> None:
    address = read_dsn("  ", sqlite_path="data/one-api.db")
    assert (address.url.drivername, address.url.database) == ("sqlite", "data/one-api.db")
    assert address.place == "SQLite file data/one-api.db"


def test_places_name_no_password() -> None:
    assert read_dsn("u:s3cret@tcp(h:1)/d").place == "MySQL at h:1/d"
    assert read_dsn("postgres://u:s3cret@h/d").place == "PostgreSQL at h/d"


def test_the_pool_follows_the_settings() -> None:
    dsn = "postgres://u:p@127.0.0.1:1/d"
    usual = open_database(default_settings(sql_dsn=dsn))
    assert usual.engine.pool.size() == WORKER_THREADS
    assert usual.engine.pool._recycle == 60
    small = open_database(
        default_settings(sql_dsn=dsn, sql_max_idle=2, sql_max_open=5, sql_max_lifetime_s=30)
    )
    assert (small.engine.pool.size(), small.engine.pool._max_overflow, small.engine.pool._recycle) == (
        2,
        3,
        30,
    )
    one = open_database(default_settings(sql_dsn=dsn, sql_max_open=1))
    assert (one.engine.pool.size(), one.engine.pool._max_overflow) == (1, 0)
    for database in (usual, small, one):
        database.close_sync()
