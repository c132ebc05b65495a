"""Our own: what we know about a channel's health beyond the original's columns."""

from sqlalchemy import Column, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER


class ChannelState(SQLModel, table=True):
    __tablename__ = "oneapi_channel_states"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    channel_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    status_reason: str = Field(default="", sa_column=Column(String(500), nullable=False, server_default=""))
    status_since: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    tested_model: str = Field(default="", sa_column=Column(String(191), nullable=False, server_default=""))
    test_message: str = Field(default="", sa_column=Column(String(500), nullable=False, server_default=""))
    """The vendor's own words at the last test; empty after a good one."""
