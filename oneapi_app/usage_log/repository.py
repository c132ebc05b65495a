"""Log rows in the database. Everything here goes to the log database, which may be a separate one."""

from collections.abc import Sequence

from sqlmodel import Session

from oneapi_app.models import Log, RelayFailure


def insert(session: Session, row: Log) -> None:
    session.add(row)


def insert_failures(session: Session, rows: Sequence[RelayFailure]) -> None:
    session.add_all(rows)
