"""Our own: consumption summed per hour, so that dashboards and statistics never scan the log."""

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, name_text


class UsageHour(SQLModel, table=True):
    __tablename__ = "oneapi_usage_hours"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (Index("idx_oneapi_usage_hours_user_hour", "user_id", "hour"),)

    hour: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    """Unix seconds at the start of the hour."""
    user_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    username: str = Field(sa_column=Column(name_text(64), primary_key=True))
    token_name: str = Field(sa_column=Column(name_text(64), primary_key=True))
    model_name: str = Field(sa_column=Column(name_text(191), primary_key=True))
    channel_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    requests: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    quota: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    prompt_tokens: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    completion_tokens: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    cached_tokens: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    elapsed_ms: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    first_token_ms: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    """Sum over the streamed requests; divide by ``streams``."""
    streams: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
