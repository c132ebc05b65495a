"""Our own: the number GitHub knows a bound account by. Its login, in ``users.github_id``, can pass to somebody else."""

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, SHORT_TEXT


class GitHubAccount(SQLModel, table=True):
    __tablename__ = "oneapi_github_accounts"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (Index("idx_oneapi_github_accounts_user_id", "user_id"),)

    account_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    user_id: int = Field(sa_column=Column(BIG_INTEGER, nullable=False))
    login: str = Field(default="", sa_column=Column(SHORT_TEXT, nullable=False))
    """What we last wrote to ``users.github_id``. Where that differs, somebody else rebound the user since."""
