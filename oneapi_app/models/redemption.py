"""Redemption codes: quota to hand out."""

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, HUNDRED, ONE, SHORT_TEXT, FixedText

ENABLED = 1
DISABLED = 2
USED = 3


class Redemption(SQLModel, table=True):
    __tablename__ = "redemptions"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (
        Index("idx_redemptions_key", "key", unique=True),
        Index("idx_redemptions_name", "name"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_INTEGER, primary_key=True))
    user_id: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    key: str | None = Field(default=None, sa_column=Column(FixedText(32)))
    status: int | None = Field(default=ENABLED, sa_column=Column(BIG_INTEGER, server_default=ONE))
    name: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    quota: int | None = Field(default=100, sa_column=Column(BIG_INTEGER, server_default=HUNDRED))
    created_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    redeemed_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
