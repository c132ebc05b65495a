"""Our own: how far each node's journal has been applied. Moves in the transaction that applies it."""

from sqlalchemy import Column, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER


class LedgerCursor(SQLModel, table=True):
    __tablename__ = "oneapi_ledger_cursors"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    journal_id: str = Field(sa_column=Column(String(64), primary_key=True))
    sequence: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    """Sequence number of the last settlement applied."""
    updated_at: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
