"""How Alembic reaches the database: on the connection the starting program gives, or on the environment's own.

Run by hand, ``alembic current`` and ``alembic revision -m "…"`` use ``SQL_DSN``. Upgrading by hand works too;
``python -m oneapi_app migrate`` does the same under the lock that several starting nodes share.
"""

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import oneapi_app.models  # noqa: F401 - the tables register themselves
from oneapi_app.kit.database import open_database
from oneapi_app.migration import VERSION_TABLE
from oneapi_app.settings import load_settings


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


if given := context.config.attributes.get("connection"):
    run(given)
else:
    database = open_database(load_settings())
    with database.engine.begin() as connection:
        run(connection)
    database.close_sync()
