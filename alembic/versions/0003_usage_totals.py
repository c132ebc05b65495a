"""Totals of the usage log per model, user and token; failures stand beside the log; who redeemed a code.

Revision ID: 0003
Revises: 0002
"""

from alembic import op
from sqlalchemy import Column, Index, MetaData, String, Table

from oneapi_app.migration.additions import add_missing
from oneapi_app.migration.revisions import in_scope
from oneapi_app.models.columns import BIG_INTEGER, name_text

revision = "0003"
down_revision = "0002"

metadata = MetaData()

usage_totals = Table(
    "oneapi_usage_totals",
    metadata,
    Column("view", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("user_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("hour", BIG_INTEGER, primary_key=True, autoincrement=False),
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
)

usage_marks = Table(
    "oneapi_usage_marks",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BIG_INTEGER, nullable=False),
)

redeemers = Table(
    "oneapi_redeemers",
    metadata,
    Column("redemption_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("user_id", BIG_INTEGER, nullable=False),
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


def upgrade() -> None:
    add_missing(op.get_bind(), in_scope([usage_totals, usage_marks, redeemers, relay_failures]))
