"""Our own: relayed requests that failed, for the error rate and 'which key died, since when, why'."""

from sqlalchemy import Column, Index, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER


class RelayFailure(SQLModel, table=True):
    __tablename__ = "oneapi_relay_failures"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (
        Index("idx_oneapi_relay_failures_created_at", "created_at"),
        Index("idx_oneapi_relay_failures_channel", "channel_id", "created_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_INTEGER, primary_key=True))
    created_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    request_id: str = Field(default="", sa_column=Column(String(64), nullable=False))
    user_id: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    token_name: str = Field(default="", sa_column=Column(String(64), nullable=False))
    model_name: str = Field(default="", sa_column=Column(String(191), nullable=False))
    channel_id: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    """0 where no channel was tried."""
    status: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    kind: str = Field(default="", sa_column=Column(String(64), nullable=False))
    message: str = Field(default="", sa_column=Column(String(500), nullable=False))
