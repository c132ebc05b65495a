"""Inserts a row, or changes the one with its key, in one step: of two that do so at once, neither fails."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlmodel import SQLModel


def upsert(
    dialect: str, table: type[SQLModel], key: Mapping[str, Any], values: Mapping[str, Any]
) -> Executable:
    """``key``: the columns of the primary key. Rows that a session has loaded already do not learn of it."""
    row = {**key, **values}
    match dialect:
        case "mysql":
            return mysql.insert(table).values(row).on_duplicate_key_update(values)
        case "postgresql":
            statement = postgresql.insert(table).values(row)
            return statement.on_conflict_do_update(index_elements=list(key), set_=values)
        case _:
            small = sqlite.insert(table).values(row)
            return small.on_conflict_do_update(index_elements=list(key), set_=values)
