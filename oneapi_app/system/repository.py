"""SQL of the options table."""

from sqlalchemy import text
from sqlmodel import Session, select

from oneapi_app.kit.upsert import upsert
from oneapi_app.models import Option


def all_options(session: Session) -> dict[str, str]:
    return {row.key: row.value or "" for row in session.exec(select(Option)).all()}


def save(session: Session, name: str, value: str) -> None:
    dialect = session.get_bind().dialect.name
    session.connection().execute(upsert(dialect, Option, {"key": name}, {"value": value}))


_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL"}
_VERSION = {"sqlite": "SELECT sqlite_version()"}
_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
    "mysql": (
        "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
    ),
}


def describe_store(session: Session) -> tuple[str, str, int]:
    """Kind, version, and size in bytes of the main database."""
    name = session.get_bind().dialect.name
    version = str(session.connection().scalar(text(_VERSION.get(name, "SELECT version()"))) or "")
    size = int(session.connection().scalar(text(_SIZE[name])) or 0)
    kind = "MariaDB" if "mariadb" in version.lower() else _KINDS[name]
    return kind, version.removeprefix("PostgreSQL ").split(" ")[0].split("-")[0], size
