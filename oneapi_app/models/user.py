"""Users: people who sign in, own tokens and have a balance."""

from sqlalchemy import Column, Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, LONG_TEXT, ONE, SHORT_TEXT, ZERO, FixedText

ENABLED = 1
DISABLED = 2
DELETED = 3


class User(SQLModel, table=True):
    __tablename__ = "users"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (
        UniqueConstraint("username", name="uni_users_username"),
        Index("idx_users_username", "username"),
        Index("idx_users_display_name", "display_name"),
        Index("idx_users_email", "email"),
        Index("idx_users_git_hub_id", "github_id"),
        Index("idx_users_we_chat_id", "wechat_id"),
        Index("idx_users_lark_id", "lark_id"),
        Index("idx_users_oidc_id", "oidc_id"),
        Index("idx_users_access_token", "access_token", unique=True),
        Index("idx_users_aff_code", "aff_code", unique=True),
        Index("idx_users_inviter_id", "inviter_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_INTEGER, primary_key=True))
    username: str | None = Field(default=None, sa_column=Column(SHORT_TEXT))
    password: str = Field(default="", sa_column=Column(LONG_TEXT, nullable=False))
    display_name: str | None = Field(default=None, sa_column=Column(SHORT_TEXT))
    role: int | None = Field(default=1, sa_column=Column(BIG_INTEGER, server_default=ONE))
    status: int | None = Field(default=ENABLED, sa_column=Column(BIG_INTEGER, server_default=ONE))
    email: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    github_id: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    wechat_id: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    lark_id: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    oidc_id: str | None = Field(default="", sa_column=Column(SHORT_TEXT))
    access_token: str | None = Field(default=None, sa_column=Column(FixedText(32)))
    quota: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    used_quota: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    request_count: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
    group: str | None = Field(default="default", sa_column=Column(String(32), server_default="default"))
    aff_code: str | None = Field(default=None, sa_column=Column(String(32)))
    inviter_id: int | None = Field(default=0, sa_column=Column(BIG_INTEGER))
