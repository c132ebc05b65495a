"""What a database lacks of a set of tables, and adding just that: the only way this product changes a schema.

A table, a column or an index that is there stays as it is, whatever its type: databases of every age hold their own
variants, and the original must be able to take them back. Used by the Alembic revisions and by ``doctor``.
Every addition can be repeated.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Index, Table, UniqueConstraint, inspect, text
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addition:
    """One statement (or one table's statements) that would bring the database closer to the tables asked for."""

    what: str
    statements: tuple[str, ...]
    blocked: str = ""
    """Why it cannot be made; empty when it can."""


def find_columns(connection: Connection) -> dict[str, set[str]]:
    """Table name to column names, of every table in the database. One query."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table, column in connection.execute(text(_COLUMNS[connection.dialect.name])):
        found[table].add(column)
    return dict(found)


_COLUMNS = {
    "sqlite": (
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    ),
    "mysql": "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = database()",
    "postgresql": (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    ),
}


def lacks_columns(connection: Connection, tables: Iterable[Table]) -> bool:
    """Whether a table or a column is missing. Cheap enough for every start."""
    found = find_columns(connection)
    return any(not found.get(table.name, set()).issuperset(table.columns.keys()) for table in tables)


def find_additions(connection: Connection, tables: Iterable[Table]) -> list[Addition]:
    """What is missing, in the order it has to be added."""
    found = find_columns(connection)
    return [
        addition
        for table in tables
        for addition in (
            _table_additions(connection, table, found[table.name])
            if table.name in found
            else [_new_table(connection, table)]
        )
    ]


def add_missing(connection: Connection, tables: Iterable[Table]) -> None:
    """Adds what ``find_additions`` finds, saying so in the log; leaves out, with a warning, what is blocked."""
    for addition in find_additions(connection, tables):
        if addition.blocked:
            log.warning("database: cannot add %s: %s", addition.what, addition.blocked)
            continue
        log.info("database: adding %s", addition.what)
        for statement in addition.statements:
            connection.exec_driver_sql(statement)


def _new_table(connection: Connection, table: Table) -> Addition:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return Addition(
        f"table {table.name}",
        (_create_table(connection, table), *(_create_index(connection, index) for index in indexes)),
    )


def _table_additions(connection: Connection, table: Table, columns: set[str]) -> Iterable[Addition]:
    for column in table.columns:
        if column.name not in columns:
            yield Addition(f"column {table.name}.{column.name}", (_add_column(connection, column),))
    names, unique_columns = _find_indexes(connection, table.name)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        if index.name not in names:
            duplicates = _find_duplicates(connection, index, columns) if index.unique else ""
            yield Addition(
                f"index {index.name} on {table.name}", (_create_index(connection, index),), duplicates
            )
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            wanted = tuple(column.name for column in constraint.columns)
            if wanted not in unique_columns:
                duplicates = _find_duplicates(connection, constraint, columns)
                statement = _add_unique(connection, constraint)
                yield Addition(f"unique {constraint.name} on {table.name}", (statement,), duplicates)


def _find_indexes(connection: Connection, table: str) -> tuple[set[str], set[tuple[str, ...]]]:
    """Names of the indexes, and the column lists that something keeps unique, under whatever name."""
    options: dict[str, Any] = {"include_auto_indexes": True} if connection.dialect.name == "sqlite" else {}
    indexes = inspect(connection).get_indexes(table, **options)
    unique = {tuple(str(name) for name in index["column_names"]) for index in indexes if index["unique"]}
    return {str(index["name"]) for index in indexes}, unique


def _find_duplicates(connection: Connection, constraint: Index | UniqueConstraint, columns: set[str]) -> str:
    """Why the rows there forbid uniqueness; NULLs never do."""
    names = [column.name for column in constraint.columns]
    if not columns.issuperset(names):
        return ""
    quote = connection.dialect.identifier_preparer.quote_identifier
    quoted = [quote(name) for name in names]
    table = quote(str(constraint.table.name))  # type: ignore[union-attr]
    present = " AND ".join(f"{name} IS NOT NULL" for name in quoted)
    listed = ", ".join(quoted)
    found = connection.exec_driver_sql(
        f"SELECT count(*) FROM (SELECT {listed} FROM {table} WHERE {present} "  # noqa: S608 - our own names
        f"GROUP BY {listed} HAVING count(*) > 1) duplicated"
    ).scalar_one()
    return f"{found} values of {', '.join(names)} occur more than once" if found else ""


# From here on statements. SQLite keeps their text, and the original's ORM reads that text, so it gets the ORM's own form.


def _create_table(connection: Connection, table: Table) -> str:
    if connection.dialect.name != "sqlite":
        return _in_utf8(connection, str(CreateTable(table).compile(dialect=connection.dialect)).strip())
    parts = [_sqlite_column(connection, column) for column in table.columns]
    parts.append(f"PRIMARY KEY ({_listed(table.primary_key.columns.keys())})")
    parts += [
        f"CONSTRAINT `{constraint.name}` UNIQUE ({_listed(constraint.columns.keys())})"
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    return f"CREATE TABLE `{table.name}` ({','.join(parts)})"


def _in_utf8(connection: Connection, statement: str) -> str:
    """Says utf8mb4 where the MySQL database was made with another default; otherwise the default is kept."""
    if connection.dialect.name != "mysql":
        return statement
    default = connection.exec_driver_sql("SELECT @@character_set_database").scalar_one()
    return statement if default == "utf8mb4" else f"{statement} DEFAULT CHARSET=utf8mb4"


def _add_column(connection: Connection, column: Column[object]) -> str:
    if connection.dialect.name == "sqlite":
        return f"ALTER TABLE `{column.table.name}` ADD {_sqlite_column(connection, column)}"
    described = str(CreateColumn(column).compile(dialect=connection.dialect))
    table = connection.dialect.identifier_preparer.format_table(column.table)
    return f"ALTER TABLE {table} ADD COLUMN {described}"


def _create_index(connection: Connection, index: Index) -> str:
    if connection.dialect.name != "sqlite":
        return str(CreateIndex(index).compile(dialect=connection.dialect))
    unique = "UNIQUE " if index.unique else ""
    return f"CREATE {unique}INDEX `{index.name}` ON `{index.table.name}`({_listed(index.columns.keys())})"  # type: ignore[union-attr]


def _add_unique(connection: Connection, constraint: UniqueConstraint) -> str:
    if connection.dialect.name != "sqlite":
        return str(AddConstraint(constraint, isolate_from_table=False).compile(dialect=connection.dialect))
    listed = _listed(constraint.columns.keys())
    return f"CREATE UNIQUE INDEX `{constraint.name}` ON `{constraint.table.name}`({listed})"


def _sqlite_column(connection: Connection, column: Column[object]) -> str:
    kind = column.type.compile(dialect=connection.dialect).lower()
    keys = column.table.primary_key.columns
    required = " NOT NULL" if not column.nullable and column.name not in keys else ""
    return f"`{column.name}` {kind}{required}{_sqlite_default(column)}"


def _sqlite_default(column: Column[object]) -> str:
    if column.server_default is None:
        return ""
    value = column.server_default.arg  # type: ignore[union-attr]
    return f' DEFAULT "{value}"' if isinstance(value, str) else f" DEFAULT {value}"


def _listed(names: Iterable[str]) -> str:
    return ",".join(f"`{name}`" for name in names)
