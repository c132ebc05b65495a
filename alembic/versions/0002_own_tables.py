"""Our own tables, all named ``oneapi_…``: the original does not look at them.

Revision ID: 0002
Revises: 0001
"""

from alembic import op
from sqlalchemy import Column, Index, MetaData, String, Table

from oneapi_app.migration.additions import add_missing
from oneapi_app.migration.revisions import in_scope
from oneapi_app.models.columns import BIG_INTEGER, LONG_TEXT, ZERO, name_text

revision = "0002"
down_revision = "0001"

metadata = MetaData()

channel_states = Table(
    "oneapi_channel_states",
    metadata,
    Column("channel_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("status_reason", String(500), nullable=False, server_default=""),
    Column("status_since", BIG_INTEGER, nullable=False),
    Column("tested_model", String(191), nullable=False, server_default=""),
    Column("test_message", String(500), nullable=False, server_default=""),
)

ledger_cursors = Table(
    "oneapi_ledger_cursors",
    metadata,
    Column("journal_id", String(64), primary_key=True),
    Column("sequence", BIG_INTEGER, nullable=False),
    Column("updated_at", BIG_INTEGER, nullable=False),
)

log_details = Table(
    "oneapi_log_details",
    metadata,
    Column("request_id", String(64), primary_key=True),
    Column("created_at", BIG_INTEGER, nullable=False),
    Column("cached_tokens", BIG_INTEGER, nullable=False),
    Column("first_token_ms", BIG_INTEGER, nullable=False),
    Column("detail", LONG_TEXT, nullable=False),
    Index("idx_oneapi_log_details_created_at", "created_at"),
)

relay_failures = Table(
    "oneapi_relay_failures",
    metadata,
    Column("id", BIG_INTEGER, primary_key=True),
    Column("created_at", BIG_INTEGER, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("user_id", BIG_INTEGER, nullable=False),
    Column("token_name", String(64), nullable=False),
    Column("model_name", String(191), nullable=False),
    Column("channel_id", BIG_INTEGER, nullable=False),
    Column("status", BIG_INTEGER, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("message", String(500), nullable=False),
    Index("idx_oneapi_relay_failures_created_at", "created_at"),
    Index("idx_oneapi_relay_failures_channel", "channel_id", "created_at"),
)

sessions = Table(
    "oneapi_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", BIG_INTEGER, nullable=False),
    Column("oauth_state", String(64), nullable=False, server_default=""),
    Column("turnstile_passed", BIG_INTEGER, nullable=False, server_default=ZERO),
    Column("user_agent", String(255), nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
    Column("created_at", BIG_INTEGER, nullable=False),
    Column("seen_at", BIG_INTEGER, nullable=False),
    Column("expires_at", BIG_INTEGER, nullable=False),
    Index("idx_oneapi_sessions_user_id", "user_id"),
    Index("idx_oneapi_sessions_expires_at", "expires_at"),
)

usage_hours = Table(
    "oneapi_usage_hours",
    metadata,
    Column("hour", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("user_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("username", name_text(64), primary_key=True),
    Column("token_name", name_text(64), primary_key=True),
    Column("model_name", name_text(191), primary_key=True),
    Column("channel_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("requests", BIG_INTEGER, nullable=False),
    Column("quota", BIG_INTEGER, nullable=False),
    Column("prompt_tokens", BIG_INTEGER, nullable=False),
    Column("completion_tokens", BIG_INTEGER, nullable=False),
    Column("cached_tokens", BIG_INTEGER, nullable=False),
    Column("elapsed_ms", BIG_INTEGER, nullable=False),
    Column("first_token_ms", BIG_INTEGER, nullable=False),
    Column("streams", BIG_INTEGER, nullable=False),
    Index("idx_oneapi_usage_hours_user_hour", "user_id", "hour"),
)


def upgrade() -> None:
    tables = [channel_states, ledger_cursors, log_details, relay_failures, sessions, usage_hours]
    add_missing(op.get_bind(), in_scope(tables))
