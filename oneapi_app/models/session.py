"""Our own: signed-in sessions. The cookie holds a random secret, the table its hash."""

from sqlalchemy import Column, Index, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, ZERO


class LoginSession(SQLModel, table=True):
    __tablename__ = "oneapi_sessions"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (
        Index("idx_oneapi_sessions_user_id", "user_id"),
        Index("idx_oneapi_sessions_expires_at", "expires_at"),
    )

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    """SHA-256, hex, of the cookie's value."""
    user_id: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    """0 while nobody is signed in: a browser in the middle of an OAuth or Turnstile round trip."""
    oauth_state: str = Field(default="", sa_column=Column(String(64), nullable=False, server_default=""))
    turnstile_passed: int = Field(
        default=0, sa_column=Column(BIG_INTEGER, nullable=False, server_default=ZERO)
    )
    user_agent: str = Field(default="", sa_column=Column(String(255), nullable=False, server_default=""))
    address: str = Field(default="", sa_column=Column(String(64), nullable=False, server_default=""))
    created_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    seen_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    expires_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
