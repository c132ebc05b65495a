"""``python -m oneapi_app migrate``: what a start does to the database, without serving."""

import dataclasses
import logging

from oneapi_app.bootstrap import prepare
from oneapi_app.kit.database import open_database
from oneapi_app.settings import Settings


def migrate(settings: Settings) -> int:
    """Migrates as a master does, whatever NODE_TYPE says. Raises SettingsError; exit status 0 otherwise."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    database = open_database(settings)
    try:
        created = prepare(database, dataclasses.replace(settings, node_type="master"))
    finally:
        database.close_sync()
    print(f"{database.address.place}: up to date{', root created' if created else ''}")
    return 0
