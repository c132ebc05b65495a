"""Tokens: the ``sk-…`` keys people hand to their programs."""

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, FALSE, MINUS_ONE, ONE, SHORT_TEXT, ZERO, FixedText, Flag

ENABLED = 1
DISABLED = 2
EXPIRED = 3
EXHAUSTED = 4
NEVER_EXPIRES = -1


class Token(SQLModel, table=True):
    __tablename__ = "tokens"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (
        Index("idx_tokens_key", "key", unique=True),
        Index("idx_tokens_name", "name"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_INTEGER, primary_key=True))
    user_id: int | None = Field(default=None, sa_column=Column(BIG_INTEGER))
    key: str | None = Field(default=None, sa_column=Column(FixedText(48)))
    status: int | None = Field(default=ENABLED, sa_column=Column(BIG_INTEGER, server_default=ONE))
    name: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    created_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    accessed_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    expired_time: int | None = Field(
        default=NEVER_EXPIRES, sa_column=Column(BIG_INTEGER, server_default=MINUS_ONE)
    )
    remain_quota: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    unlimited_quota: bool | None = Field(default=False, sa_column=Column(Flag, server_default=FALSE))
    used_quota: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    models: str | None = Field(default=None, sa_column=Column(Text))
    subnet: str | None = Field(default="", sa_column=Column(SHORT_TEXT, server_default=""))
