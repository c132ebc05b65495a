"""Servers that take nothing but TLS, as hosted ones do, with an authority nobody knows, as aiven's."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from oneapi_app.bootstrap import prepare
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import open_database
from oneapi_app.settings import default_settings
from tests.support.certificates import Certificates, make_certificates
from tests.support.databases import mysql_dsn, postgres_dsn
from tests.support.servers import Server, find_program, need, start_mysql, start_postgres


@dataclass
class TLSServer:
    server: Server
    ca: Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_mysql(certificates: Certificates) -> Iterator[TLSServer]:
    need(find_program("mariadbd", "mysqld") and find_program("mariadb-install-db"), "MariaDB")
    server = start_mysql(
        prepare=lambda data: _copy(certificates, data),
        options=[
            "--ssl-ca=ca.pem", "--ssl-cert=server.crt", "--ssl-key=server.key", "--require-secure-transport=ON",
        ],
    )  # fmt: skip
    yield TLSServer(server, certificates.ca)
    server.stop()


@pytest.fixture(scope="module")
def tls_postgres(certificates: Certificates) -> Iterator[TLSServer]:
    need(find_program("initdb"), "PostgreSQL")

    def prepare_data(data: Path) -> None:
        _copy(certificates, data)
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")

    server = start_postgres(prepare=prepare_data, options=["-c", "ssl=on"])
    yield TLSServer(server, certificates.ca)
    server.stop()


def _copy(certificates: Certificates, data: Path) -> None:
    for source in (certificates.ca, certificates.cert, certificates.key):
        target = data / source.name
        target.write_bytes(source.read_bytes())
        target.chmod(0o600)


def encrypted(dsn: str) -> bool:
    """Migrates the database of the DSN and asks the server whether the connection is encrypted."""
    settings = default_settings(sql_dsn=dsn)
    database = open_database(settings)
    try:
        prepare(database, settings)
        with database.engine.connect() as connection:
            if database.dialect == "mysql":
                return bool(connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1])
            return connection.exec_driver_sql(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).scalar_one()
    finally:
        database.close_sync()


MYSQL_WORKS = ["&tls=skip-verify", "&tls=preferred", "&tls=custom&ssl-ca={ca}", "&tls=true&ssl-ca={ca}"]
POSTGRES_WORKS = ["sslmode=require", "", "sslmode=verify-full&sslrootcert={ca}"]


@pytest.mark.needs_mysql
@pytest.mark.parametrize("parameters", MYSQL_WORKS)
def test_mysql(tls_mysql: TLSServer, parameters: str) -> None:
    assert encrypted(mysql_dsn(tls_mysql.server, "mysql") + parameters.format(ca=tls_mysql.ca))


@pytest.mark.needs_mysql
def test_mysql_in_the_form_aiven_prints(tls_mysql: TLSServer) -> None:
    where = f"{tls_mysql.server.host}:{tls_mysql.server.port}"
    assert encrypted(f"mysql://oneapi:oneapi@{where}/mysql?ssl-mode=REQUIRED")
    assert encrypted(f"mysql://oneapi:oneapi@{where}/mysql?ssl-mode=VERIFY_IDENTITY&ssl_ca={tls_mysql.ca}")


@pytest.mark.needs_mysql
@pytest.mark.parametrize(
    ("parameters", "says"),
    [("", "takes only TLS"), ("&tls=true", "CERTIFICATE_VERIFY_FAILED|certificate verify failed")],
)
def test_mysql_refused(tls_mysql: TLSServer, parameters: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        encrypted(mysql_dsn(tls_mysql.server, "mysql") + parameters)


@pytest.mark.needs_mysql
def test_tls_is_never_given_up(mysql_server: Server) -> None:
    """A server without TLS: asked for TLS, we do not go on in clear."""
    with pytest.raises(SettingsError, match="SSL is required"):
        encrypted(mysql_dsn(mysql_server, "mysql") + "&tls=skip-verify")
    assert not encrypted(mysql_dsn(mysql_server, "mysql") + "&tls=preferred")


@pytest.mark.needs_postgres
@pytest.mark.parametrize("parameters", POSTGRES_WORKS)
def test_postgres(tls_postgres: TLSServer, parameters: str) -> None:
    dsn = postgres_dsn(tls_postgres.server, "postgres").partition("?")[0]
    assert encrypted(f"{dsn}?{parameters.format(ca=tls_postgres.ca)}")


@pytest.mark.needs_postgres
@pytest.mark.parametrize(
    ("mode", "says"), [("disable", "no encryption"), ("verify-full", "certificate verify failed")]
)
def test_postgres_refused(tls_postgres: TLSServer, mode: str, says: str) -> None:
    dsn = postgres_dsn(tls_postgres.server, "postgres").partition("?")[0]
    with pytest.raises(SettingsError, match=says):
        encrypted(f"{dsn}?sslmode={mode}")
