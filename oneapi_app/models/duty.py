"""Our own: which node does a piece of periodic work (tests of channels, upkeep of the log), and until when."""

from sqlalchemy import Column, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER


class Duty(SQLModel, table=True):
    __tablename__ = "oneapi_duties"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    name: str = Field(sa_column=Column(String(64), primary_key=True))
    holder: str = Field(default="", sa_column=Column(String(64), nullable=False))
    expires_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
