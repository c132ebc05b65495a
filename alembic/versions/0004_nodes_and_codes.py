"""Several nodes on one database: leases of balances, periodic duties. Signing in: codes by mail, GitHub's numbers.

Revision ID: 0004
Revises: 0003
"""

from alembic import op
from sqlalchemy import Column, Index, MetaData, String, Table

from oneapi_app.migration.additions import add_missing
from oneapi_app.migration.revisions import in_scope
from oneapi_app.models.columns import BIG_INTEGER, SHORT_TEXT, ZERO, name_text

revision = "0004"
down_revision = "0003"

metadata = MetaData()

account_leases = Table(
    "oneapi_account_leases",
    metadata,
    Column("kind", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("account_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("journal_id", String(64), primary_key=True),
    Column("units", BIG_INTEGER, nullable=False),
    Index("idx_oneapi_account_leases_journal_id", "journal_id"),
)

one_time_codes = Table(
    "oneapi_one_time_codes",
    metadata,
    Column("purpose", String(32), primary_key=True),
    Column("address", name_text(64), primary_key=True),
    Column("code_hash", String(64), nullable=False),
    Column("attempts", BIG_INTEGER, nullable=False, server_default=ZERO),
    Column("expires_at", BIG_INTEGER, nullable=False),
)

duties = Table(
    "oneapi_duties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("expires_at", BIG_INTEGER, nullable=False),
)

github_accounts = Table(
    "oneapi_github_accounts",
    metadata,
    Column("account_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("user_id", BIG_INTEGER, nullable=False),
    Column("login", SHORT_TEXT, nullable=False),
    Index("idx_oneapi_github_accounts_user_id", "user_id"),
)


def upgrade() -> None:
    add_missing(op.get_bind(), in_scope([account_leases, one_time_codes, duties, github_accounts]))
