"""Our own: what the original's log row has no column for, one row per relayed request."""

from sqlalchemy import Column, Index, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, LONG_TEXT


class LogDetail(SQLModel, table=True):
    __tablename__ = "oneapi_log_details"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (Index("idx_oneapi_log_details_created_at", "created_at"),)

    request_id: str = Field(sa_column=Column(String(64), primary_key=True))
    created_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    cached_tokens: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    first_token_ms: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    detail: str = Field(default="{}", sa_column=Column(LONG_TEXT, nullable=False))
    """JSON: count_source, prices, attempts [{channel, status, duration_ms}], ending."""
