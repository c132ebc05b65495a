"""The seven tables of One API as its last version (v0.6.11) makes them; in an older database, what it lacks.

Revision ID: 0001
Revises:
"""

from alembic import op
from sqlalchemy import Column, Index, MetaData, String, Table, Text, UniqueConstraint

from oneapi_app.migration.additions import add_missing
from oneapi_app.migration.revisions import in_scope
from oneapi_app.models.columns import (
    BIG_INTEGER,
    FALSE,
    HUNDRED,
    LONG_TEXT,
    MINUS_ONE,
    ONE,
    SHORT_TEXT,
    UNSIGNED,
    ZERO,
    Amount,
    FixedText,
    Flag,
)

revision = "0001"
down_revision = None

metadata = MetaData()

channels = Table(
    "channels",
    metadata,
    Column("id", BIG_INTEGER, primary_key=True),
    Column("type", BIG_INTEGER, server_default=ZERO),
    Column("key", Text),
    Column("status", BIG_INTEGER, server_default=ONE),
    Column("name", SHORT_TEXT),
    Column("weight", UNSIGNED, server_default=ZERO),
    Column("created_time", BIG_INTEGER),
    Column("test_time", BIG_INTEGER),
    Column("response_time", BIG_INTEGER),
    Column("base_url", SHORT_TEXT, server_default=""),
    Column("other", LONG_TEXT),
    Column("balance", Amount),
    Column("balance_updated_time", BIG_INTEGER),
    Column("models", LONG_TEXT),
    Column("group", String(32), server_default="default"),
    Column("used_quota", BIG_INTEGER, server_default=ZERO),
    Column("model_mapping", String(1024), server_default=""),
    Column("priority", BIG_INTEGER, server_default=ZERO),
    Column("config", LONG_TEXT),
    Column("system_prompt", Text),
    Index("idx_channels_name", "name"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", BIG_INTEGER, primary_key=True),
    Column("user_id", BIG_INTEGER),
    Column("key", FixedText(48)),
    Column("status", BIG_INTEGER, server_default=ONE),
    Column("name", SHORT_TEXT),
    Column("created_time", BIG_INTEGER),
    Column("accessed_time", BIG_INTEGER),
    Column("expired_time", BIG_INTEGER, server_default=MINUS_ONE),
    Column("remain_quota", BIG_INTEGER, server_default=ZERO),
    Column("unlimited_quota", Flag, server_default=FALSE),
    Column("used_quota", BIG_INTEGER, server_default=ZERO),
    Column("models", Text),
    Column("subnet", SHORT_TEXT, server_default=""),
    Index("idx_tokens_key", "key", unique=True),
    Index("idx_tokens_name", "name"),
)

users = Table(
    "users",
    metadata,
    Column("id", BIG_INTEGER, primary_key=True),
    Column("username", SHORT_TEXT),
    Column("password", LONG_TEXT, nullable=False),
    Column("display_name", SHORT_TEXT),
    Column("role", BIG_INTEGER, server_default=ONE),
    Column("status", BIG_INTEGER, server_default=ONE),
    Column("email", SHORT_TEXT),
    Column("github_id", SHORT_TEXT),
    Column("wechat_id", SHORT_TEXT),
    Column("lark_id", SHORT_TEXT),
    Column("oidc_id", SHORT_TEXT),
    Column("access_token", FixedText(32)),
    Column("quota", BIG_INTEGER, server_default=ZERO),
    Column("used_quota", BIG_INTEGER, server_default=ZERO),
    Column("request_count", BIG_INTEGER, server_default=ZERO),
    Column("group", String(32), server_default="default"),
    Column("aff_code", String(32)),
    Column("inviter_id", BIG_INTEGER),
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

options = Table(
    "options",
    metadata,
    Column("key", SHORT_TEXT, primary_key=True),
    Column("value", LONG_TEXT),
)

redemptions = Table(
    "redemptions",
    metadata,
    Column("id", BIG_INTEGER, primary_key=True),
    Column("user_id", BIG_INTEGER),
    Column("key", FixedText(32)),
    Column("status", BIG_INTEGER, server_default=ONE),
    Column("name", SHORT_TEXT),
    Column("quota", BIG_INTEGER, server_default=HUNDRED),
    Column("created_time", BIG_INTEGER),
    Column("redeemed_time", BIG_INTEGER),
    Index("idx_redemptions_key", "key", unique=True),
    Index("idx_redemptions_name", "name"),
)

abilities = Table(
    "abilities",
    metadata,
    Column("group", String(32), primary_key=True),
    Column("model", SHORT_TEXT, primary_key=True),
    Column("channel_id", BIG_INTEGER, primary_key=True, autoincrement=False),
    Column("enabled", Flag),
    Column("priority", BIG_INTEGER, server_default=ZERO),
    Index("idx_abilities_channel_id", "channel_id"),
    Index("idx_abilities_priority", "priority"),
)

logs = Table(
    "logs",
    metadata,
    Column("id", BIG_INTEGER, primary_key=True),
    Column("user_id", BIG_INTEGER),
    Column("created_at", BIG_INTEGER),
    Column("type", BIG_INTEGER),
    Column("content", LONG_TEXT),
    Column("username", SHORT_TEXT, server_default=""),
    Column("token_name", SHORT_TEXT, server_default=""),
    Column("model_name", SHORT_TEXT, server_default=""),
    Column("quota", BIG_INTEGER, server_default=ZERO),
    Column("prompt_tokens", BIG_INTEGER, server_default=ZERO),
    Column("completion_tokens", BIG_INTEGER, server_default=ZERO),
    Column("channel_id", BIG_INTEGER),
    Column("request_id", SHORT_TEXT, server_default=""),
    Column("elapsed_time", BIG_INTEGER, server_default=ZERO),
    Column("is_stream", Flag, server_default=FALSE),
    Column("system_prompt_reset", Flag, server_default=FALSE),
    Index("idx_logs_user_id", "user_id"),
    Index("idx_created_at_type", "created_at", "type"),
    Index("index_username_model_name", "model_name", "username"),
    Index("idx_logs_token_name", "token_name"),
    Index("idx_logs_model_name", "model_name"),
    Index("idx_logs_channel_id", "channel_id"),
)


def upgrade() -> None:
    add_missing(op.get_bind(), in_scope([channels, tokens, users, options, redemptions, abilities, logs]))
    drop_legacy_index()


def drop_legacy_index() -> None:
    """Versions of 2023 indexed channel keys, on MySQL within 191 characters; the original drops that one too."""
    connection = op.get_bind()
    if connection.dialect.name != "mysql":
        return
    found = connection.exec_driver_sql(
        "SELECT count(*) FROM information_schema.statistics WHERE table_schema = database() "
        "AND table_name = 'channels' AND index_name = 'idx_channels_key'"
    ).scalar_one()
    if found:
        connection.exec_driver_sql("DROP INDEX idx_channels_key ON channels")
