"""What the Alembic revisions in ``alembic/versions`` share: which tables belong into the database at hand."""

from collections.abc import Iterable

from alembic import context
from sqlalchemy import Table

LOG_TABLES = frozenset(
    {
        "logs",
        "oneapi_log_details",
        "oneapi_usage_hours",
        "oneapi_usage_totals",
        "oneapi_usage_marks",
        "oneapi_relay_failures",
        "oneapi_ledger_cursors",
    }
)
"""What a separate log database (``LOG_SQL_DSN``) holds; the main database holds every table."""


def in_scope(tables: Iterable[Table]) -> list[Table]:
    """Those of the tables that the database being migrated is to hold."""
    only_log = context.config.attributes.get("log_database", False)
    return [table for table in tables if not only_log or table.name in LOG_TABLES]
