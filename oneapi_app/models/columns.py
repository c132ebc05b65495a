"""Column types and defaults as the original's ORM chose them on each engine (contract §1, "dialect rules")."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Double, Integer, Numeric, String, Text, text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import CHAR, REAL, TypeDecorator, TypeEngine

BIG_INTEGER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
UNSIGNED: TypeEngine[int] = (
    BigInteger().with_variant(Integer(), "sqlite").with_variant(mysql.BIGINT(unsigned=True), "mysql")
)
LONG_TEXT: TypeEngine[str] = Text().with_variant(mysql.LONGTEXT(), "mysql")
SHORT_TEXT: TypeEngine[str] = Text().with_variant(String(191), "mysql")
"""Text that is indexed or has a default: varchar(191) on MySQL."""

ZERO, ONE, MINUS_ONE, HUNDRED = text("0"), text("1"), text("-1"), text("100")
FALSE = text("false")


def name_text(length: int) -> TypeEngine[str]:
    """A name inside a key of our own tables: names that differ only in case are two names on MySQL too."""
    return String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql")


class Flag(TypeDecorator[bool]):
    """A boolean: numeric 0/1 in SQLite, tinyint(1) in MySQL, boolean in PostgreSQL."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Numeric(asdecimal=False))
        return dialect.type_descriptor(Boolean())

    def process_bind_param(self, value: bool | None, dialect: Any) -> Any:
        if value is None:
            return None
        return int(value) if dialect.name == "sqlite" else bool(value)

    def process_result_value(self, value: Any, dialect: Any) -> bool | None:
        return None if value is None else bool(value)


class Amount(TypeDecorator[float]):
    """A Go float64: real in SQLite, double in MySQL, decimal in PostgreSQL."""

    impl = Double
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(REAL())
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(asdecimal=False))
        return dialect.type_descriptor(Double())


class FixedText(TypeDecorator[str]):
    """``char(n)``. PostgreSQL pads it with blanks; nobody above wants to see them."""

    impl = CHAR
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value.rstrip(" ")
