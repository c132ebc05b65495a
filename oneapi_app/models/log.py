"""The usage log, in the original's columns."""

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, FALSE, LONG_TEXT, SHORT_TEXT, ZERO, Flag

UNKNOWN = 0
TOP_UP = 1
CONSUME = 2
MANAGE = 3
SYSTEM = 4
TEST = 5


class Log(SQLModel, table=True):
    __tablename__ = "logs"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (
        Index("idx_logs_user_id", "user_id"),
        Index("idx_created_at_type", "created_at", "type"),
        Index("index_username_model_name", "model_name", "username"),
        Index("idx_logs_token_name", "token_name"),
        Index("idx_logs_model_name", "model_name"),
        Index("idx_logs_channel_id", "channel_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_INTEGER, primary_key=True))
    user_id: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    created_at: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    type: int | None = Field(default=UNKNOWN, sa_column=Column(BIG_INTEGER))
    content: str | None = Field(default="", sa_column=Column(LONG_TEXT))
    username: str | None = Field(default="", sa_column=Column(SHORT_TEXT, server_default=""))
    token_name: str | None = Field(default="", sa_column=Column(SHORT_TEXT, server_default=""))
    model_name: str | None = Field(default="", sa_column=Column(SHORT_TEXT, server_default=""))
    quota: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    prompt_tokens: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    completion_tokens: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    channel_id: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
    request_id: str | None = Field(default="", sa_column=Column(SHORT_TEXT, server_default=""))
    elapsed_time: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    is_stream: bool | None = Field(default=False, sa_column=Column(Flag, server_default=FALSE))
    system_prompt_reset: bool | None = Field(default=False, sa_column=Column(Flag, server_default=FALSE))
