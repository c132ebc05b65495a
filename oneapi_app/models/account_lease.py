"""Our own: the part of a balance that one node of several may spend without asking. See ``docs/ledger.md``."""

from sqlalchemy import Column, Index, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER

USER, TOKEN = 1, 2
"""Whose balance: ``users.quota`` or ``tokens.remain_quota``."""


class AccountLease(SQLModel, table=True):
    __tablename__ = "oneapi_account_leases"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (Index("idx_oneapi_account_leases_journal_id", "journal_id"),)

    kind: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    account_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    journal_id: str = Field(sa_column=Column(String(64), primary_key=True))
    """The node's journal: what it settles is taken off here in the transaction that takes it off the balance."""
    units: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
