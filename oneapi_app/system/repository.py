"""SQL of the options table."""

from sqlmodel import Session, select

from oneapi_app.models import Option


def all_options(session: Session) -> dict[str, str]:
    return {row.key: row.value or "" for row in session.exec(select(Option)).all()}


def save(session: Session, name: str, value: str) -> None:
    row = session.get(Option, name)
    if row is None:
        session.add(Option(key=name, value=value))
    else:
        row.value = value
