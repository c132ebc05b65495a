"""What ``doctor`` says of good, old and broken databases, and that it changes none of them."""

import dataclasses
import io
from pathlib import Path

import pytest

from oneapi_app.bootstrap import prepare
from oneapi_app.commands.doctor import run_doctor
from oneapi_app.kit.database import open_database
from oneapi_app.migration import examination
from oneapi_app.settings import Settings
from tests.support.databases import SERVERS, SQLiteDatabases, databases_of
from tests.support.recordings import find_recording


def doctor(settings: Settings, directory: Path) -> tuple[int, str]:
    out = io.StringIO()
    status = run_doctor(
        dataclasses.replace(settings, data_dir=str(directory), log_dir=str(directory / "logs")), out
    )
    return status, out.getvalue()


def made(settings: Settings) -> Settings:
    database = open_database(settings)
    prepare(database, dataclasses.replace(settings, initial_root_password="Better-than-that"))
    database.close_sync()
    return settings


def test_a_new_database(blank_settings: Settings, tmp_path: Path) -> None:
    status, text = doctor(blank_settings, tmp_path)
    assert status == 0
    assert "the first start creates" in text
    assert "0 problems, 0 warnings; nothing was changed." in text
    assert not Path(blank_settings.sqlite_path).exists()


def test_a_database_in_use(database_settings: Settings, tmp_path: Path) -> None:
    status, text = doctor(made(database_settings), tmp_path)
    assert status == 0, text
    assert "every table, column and index is there already" in text
    assert "1 users" in text
    assert "WARNING" not in text


@pytest.mark.needs_shared
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("sqlite", "adds table oneapi_sessions"),
        ("sqlite-v0.5.4", "adds column logs.elapsed_time"),
        pytest.param("mysql", "adds table oneapi_sessions", marks=pytest.mark.needs_mysql),
        pytest.param("postgres", "adds table oneapi_sessions", marks=pytest.mark.needs_postgres),
    ],
)
def test_databases_of_the_original(
    name: str, says: str, shared_dir: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    recording = find_recording(shared_dir, name)
    with databases_of(recording.engine, request).blank() as settings:
        recording.load(settings)
        before = Path(settings.sqlite_path).read_bytes() if recording.engine == "sqlite" else b""
        status, text = doctor(settings, tmp_path)
        assert status == 0, text
        assert says in text
        assert f"{recording.expected['log_rows']} logs" in text
        secrets = [token["key"] for token in recording.expected["tokens"]]
        assert not [secret for secret in secrets if secret in text]
        if before:
            assert Path(settings.sqlite_path).read_bytes() == before, "not a byte changes"
            assert not Path(settings.sqlite_path + "-wal").exists()


def break_and_examine(settings: Settings, directory: Path, statement: str) -> tuple[int, str]:
    database = open_database(made(settings))
    with database.engine.begin() as connection:
        key = connection.dialect.identifier_preparer.quote("key")
        connection.exec_driver_sql(statement.replace("<key>", key))
    database.close_sync()
    return doctor(settings, directory)


@pytest.mark.parametrize(
    ("statement", "status", "says"),
    [
        ("UPDATE users SET status = 2", 1, "nobody can change the options"),
        ("UPDATE users SET password = 'md5:1234'", 0, "1 users have a password hash that is not bcrypt"),
        (
            "INSERT INTO tokens (<key>, user_id) VALUES ('a-b', 1)",
            0,
            "1 tokens have a key that no request can name",
        ),
        ("INSERT INTO tokens (<key>, user_id) VALUES ('ab', 7)", 0, "1 tokens belong to no user"),
        (
            "INSERT INTO channels (config) VALUES ('{no')",
            0,
            "1 channels have a config that is no JSON object",
        ),
        ("INSERT INTO channels (model_mapping) VALUES ('[1]')", 0, "1 channels have a model_mapping"),
        ("INSERT INTO options VALUES ('RetryTimes', 'often')", 0, "option RetryTimes cannot be read"),
        ("INSERT INTO options VALUES ('Frobnicate', 'x')", 0, "options without effect here: Frobnicate"),
        ("DROP TABLE abilities", 0, "before v0.4"),
    ],
)
def test_rows_and_options(
    database_settings: Settings, tmp_path: Path, statement: str, status: int, says: str
) -> None:
    found, text = break_and_examine(database_settings, tmp_path, statement)
    assert says in text
    assert found == status


@pytest.mark.engines("sqlite", because="the columns of the others hold what they are for")
@pytest.mark.parametrize(
    ("statement", "status", "says"),
    [
        ("UPDATE users SET quota = 'much' WHERE id = 1", 1, "users: the row 1 has a str in quota"),
        ("UPDATE users SET username = x'ff00' WHERE id = 1", 1, "users: the row 1 has a bytes in username"),
        (
            "INSERT INTO logs (quota) VALUES ('x'), (1.5)",
            1,
            "2 rows of logs hold something else than numbers",
        ),
        ("UPDATE logs SET content = CAST(x'ff' AS text)", 0, "0 problems"),
    ],
)
def test_rows_that_hold_anything(
    database_settings: Settings, tmp_path: Path, statement: str, status: int, says: str
) -> None:
    found, text = break_and_examine(database_settings, tmp_path, statement)
    assert says in text
    assert found == status


def test_the_initial_password_is_named(database_settings: Settings, database, tmp_path: Path) -> None:
    prepare(database, database_settings)
    assert "root still has the password 123456" in doctor(database_settings, tmp_path)[1]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"sql_dsn": "u:s3cret@tcp(127.0.0.1:1)/d"}, "cannot use MySQL at 127.0.0.1:1/d"),
        ({"sql_dsn": "nonsense:s3cret"}, "SQL_DSN: cannot be read"),
        ({"log_sql_dsn": "oracle://u:s3cret@h/d"}, "LOG_SQL_DSN: cannot use a database of kind"),
        (
            {"redis_url": "redis://:s3cret@127.0.0.1:1/0"},
            "REDIS_CONN_STRING: cannot be used: ConnectionError",
        ),
    ],
)
def test_what_cannot_be_reached(database_settings: Settings, tmp_path: Path, wrong: dict, says: str) -> None:
    status, text = doctor(dataclasses.replace(database_settings, **wrong), tmp_path)
    assert status == 1
    assert says in text
    assert "s3cret" not in text


def test_a_journal_that_cannot_be_written(database_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    status, text = doctor(database_settings, tmp_path / "file")
    assert status == 1
    assert "ledger's journal (DATA_DIR) cannot be written" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "NODE_TYPE: a master"),
        ({"node_type": "slave", "channel_test_minutes": 5}, "CHANNEL_TEST_FREQUENCY: no effect on a slave"),
        ({"frontend_base_url": "https://a.example"}, "FRONTEND_BASE_URL: ignored on a master"),
        ({"sync_s": 86_400}, "SYNC_FREQUENCY: what another program changes"),
        ({"redis_url": "a:1,b:2"}, "several servers need REDIS_MASTER_NAME"),
        (
            {"session_secret": "s3cret", "batch_update_s": 9},
            "without effect here: SESSION_SECRET, BATCH_UPDATE_INTERVAL",
        ),
    ],
)
def test_what_the_settings_mean_for_this_node(
    database_settings: Settings, tmp_path: Path, changes: dict, says: str
) -> None:
    text = doctor(dataclasses.replace(database_settings, **changes), tmp_path)[1]
    assert says in text
    assert "s3cret" not in text


@pytest.mark.engines("sqlite", because="a SQLite file has one process")
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"node_type": "slave"}, "a slave on a SQLite file of its own"),
        ({"redis_url": "redis://127.0.0.1:1"}, "REDIS_CONN_STRING: Redis is for several nodes"),
    ],
)
def test_several_nodes_on_sqlite(
    database_settings: Settings, tmp_path: Path, changes: dict, says: str
) -> None:
    assert says in doctor(dataclasses.replace(database_settings, **changes), tmp_path)[1]


@pytest.mark.engines("postgresql", because="the others have no search_path")
def test_a_schema_nobody_has_made(blank_settings: Settings, tmp_path: Path) -> None:
    dsn = blank_settings.sql_dsn
    elsewhere = f"{dsn}{'&' if '?' in dsn else '?'}search_path=nowhere"
    status, text = doctor(dataclasses.replace(blank_settings, sql_dsn=elsewhere), tmp_path)
    assert status == 1
    assert "PROBLEM none of the schemas in search_path exists" in text
    assert "\n1 problem, 0 warnings; nothing was changed." in text


def test_a_slave_before_its_master(blank_settings: Settings, tmp_path: Path) -> None:
    status, text = doctor(dataclasses.replace(blank_settings, node_type="slave"), tmp_path)
    assert status == 1
    assert "start a master" in text
    database = open_database(blank_settings)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE options (id int)")
    database.close_sync()
    status, text = doctor(dataclasses.replace(blank_settings, node_type="slave"), tmp_path)
    assert status == 1
    assert "start a master on this database first" in text


def test_journals_that_lie_there(database_settings: Settings, database, tmp_path: Path) -> None:
    journals = tmp_path / "ledger"
    journals.mkdir()
    ours, strange = "a" * 32, "b" * 32
    (journals / f"{ours}.000001.journal").touch()
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO oneapi_ledger_cursors VALUES ('{ours}', 1, 1)")
    made(database_settings)
    status, text = doctor(database_settings, tmp_path)
    assert status == 0
    assert "which the next start applies: 1" in text
    (journals / f"{strange}.000001.journal").touch()
    (journals / f"{strange}.000002.damaged").touch()
    status, text = doctor(database_settings, tmp_path)
    assert status == 1
    assert "belong to another database: 1" in text and f"kept in {journals}: 1" in text


@pytest.mark.needs_redis
def test_redis(database_settings: Settings, redis_url: str, tmp_path: Path) -> None:
    assert (
        "the server answers"
        in doctor(dataclasses.replace(database_settings, redis_url=redis_url), tmp_path)[1]
    )


@pytest.mark.engines(*SERVERS, because="SQLite's clock is the machine's")
def test_a_server_whose_clock_is_wrong(database_settings: Settings, tmp_path: Path, monkeypatch) -> None:
    assert "clock and the server's agree" in doctor(database_settings, tmp_path)[1]
    real = examination.time.time
    monkeypatch.setattr(examination.time, "time", lambda: real() + 90)
    assert "s behind this machine's" in doctor(database_settings, tmp_path)[1]


@pytest.mark.needs_mysql
def test_narrow_columns_of_old_mysql_databases(mysql_databases, tmp_path: Path) -> None:
    with mysql_databases.blank() as settings:
        database = open_database(settings)
        with database.engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE channels (id bigint PRIMARY KEY, `key` varchar(191) NOT NULL)"
            )
            connection.exec_driver_sql(
                "CREATE TABLE users (id bigint PRIMARY KEY, quota int, username varchar(50)) CHARSET latin1"
            )
        database.close_sync()
        text = doctor(settings, tmp_path)[1]
        assert "channels.key holds 191 characters" in text
        assert "users.quota is INTEGER" in text
        assert "table users is in latin1" in text


@pytest.mark.engines(*SERVERS, because="LOG_SQL_DSN names a server")
def test_a_log_database(
    sqlite_databases: SQLiteDatabases, database_settings: Settings, tmp_path: Path
) -> None:
    with sqlite_databases.fresh() as main:
        settings = dataclasses.replace(made(main), log_sql_dsn=database_settings.sql_dsn)
    status, text = doctor(settings, tmp_path)
    assert status == 0
    assert "Log database: " in text
