"""Our own: codes and links sent by mail, for one use, seen by every node. Holds their hashes only."""

from sqlalchemy import Column, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, ZERO, name_text


class OneTimeCode(SQLModel, table=True):
    __tablename__ = "oneapi_one_time_codes"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    purpose: str = Field(sa_column=Column(String(32), primary_key=True))
    address: str = Field(sa_column=Column(name_text(64), primary_key=True))
    """The e-mail address it was sent to. A newer code replaces the older one."""
    code_hash: str = Field(default="", sa_column=Column(String(64), nullable=False))
    """SHA-256, hex."""
    attempts: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False, server_default=ZERO))
    """Wrong guesses so far."""
    expires_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
