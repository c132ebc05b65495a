"""Channels: an upstream vendor, a credential, and the models it serves."""

from sqlalchemy import Column, Index, String, Text
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, LONG_TEXT, ONE, SHORT_TEXT, UNSIGNED, ZERO, Amount

UNKNOWN = 0
ENABLED = 1
MANUALLY_DISABLED = 2
AUTO_DISABLED = 3


class Channel(SQLModel, table=True):
    __tablename__ = "channels"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (Index("idx_channels_name", "name"),)

    id: int | None = Field(default=None, sa_column=Column(BIG_INTEGER, primary_key=True))
    type: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    key: str | None = Field(default="", sa_column=Column(Text))
    status: int | None = Field(default=ENABLED, sa_column=Column(BIG_INTEGER, server_default=ONE))
    name: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    weight: int | None = Field(default=0, sa_column=Column(UNSIGNED, server_default=ZERO))
    created_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    test_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    response_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    base_url: str | None = Field(default="", sa_column=Column(SHORT_TEXT, server_default=""))
    other: str | None = Field(default=None, sa_column=Column(LONG_TEXT))
    balance: float | None = Field(default=0.0, sa_column=Column(Amount))
    balance_updated_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    models: str | None = Field(default="", sa_column=Column(LONG_TEXT))
    group: str | None = Field(default="default", sa_column=Column(String(32), server_default="default"))
    used_quota: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    model_mapping: str | None = Field(default="", sa_column=Column(String(1024), server_default=""))
    priority: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    config: str | None = Field(default="", sa_column=Column(LONG_TEXT))
    system_prompt: str | None = Field(default=None, sa_column=Column(Text))
