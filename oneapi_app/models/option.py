"""Options: run-time settings saved by the operator; a missing row means the default."""

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import LONG_TEXT, SHORT_TEXT


class Option(SQLModel, table=True):
    __tablename__ = "options"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    key: str = Field(sa_column=Column(SHORT_TEXT, primary_key=True))
    value: str | None = Field(default="", sa_column=Column(LONG_TEXT))
