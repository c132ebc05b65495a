"""Our own: how far the summing up of the usage log has come, and how many rows its stretches hold."""

from sqlalchemy import Column, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER

COUNTED_LOG_ID = "counted_log_id"
"""Log rows up to this id are in the hourly figures, whichever program wrote them."""
SUMMED_UNTIL = "summed_until"
"""Days before this instant (unix seconds, a UTC midnight) are in ``oneapi_usage_totals``."""


class UsageMark(SQLModel, table=True):
    __tablename__ = "oneapi_usage_marks"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    name: str = Field(sa_column=Column(String(64), primary_key=True))
    value: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
