"""What a first start puts into a database: the root account and, if asked for, its token.

``prepare`` is all of start-up's database work in the right order. Knows nothing of how the database is reached.
"""

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from oneapi_app.actor import ROOT
from oneapi_app.errors import SettingsError
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.kit.ids import hex32
from oneapi_app.kit.passwords import hash_password
from oneapi_app.migration import migrate, wait_until_migrated
from oneapi_app.models import Token, User
from oneapi_app.models.token import NEVER_EXPIRES
from oneapi_app.settings import Settings

ROOT_QUOTA = 500_000_000_000_000
"""The original's: a thousand million dollars."""


def prepare(database: Database, settings: Settings) -> bool:
    """Migrates and fills a new database; a slave waits for its master to do so. True where root was made just now.

    Raises SettingsError with a text for the operator. Blocks: for start-up, not for the event loop.
    """
    if not settings.is_master:
        wait_until_migrated(database)
        return False
    migrate(database)
    try:
        return database.run_sync(create_first_user, settings)
    except IntegrityError:
        return False  # another starting node was faster by an instant


def create_first_user(uow: UnitOfWork, settings: Settings) -> bool:
    """Creates root (contract §1.8) where there is no user at all; the INITIAL_… settings count only then."""
    if uow.session.exec(select(User.id).limit(1)).first() is not None:
        return False
    root = User(
        username="root",
        password=hash_password(_initial_password(settings)),
        display_name="Root User",
        role=ROOT,
        access_token=_initial_access_token(settings) or hex32(),
        quota=ROOT_QUOTA,
        aff_code="",
    )
    uow.session.add(root)
    uow.session.flush()
    if settings.initial_root_token:
        uow.session.add(_initial_token(root.id, settings))
    return True


def _initial_token(user_id: int | None, settings: Settings) -> Token:
    now = now_s()
    return Token(
        user_id=user_id,
        key=_initial_token_key(settings),
        name="Initial Root Token",
        created_time=now,
        accessed_time=now,
        expired_time=NEVER_EXPIRES,
        remain_quota=ROOT_QUOTA,
        unlimited_quota=True,
    )


def _initial_token_key(settings: Settings) -> str:
    """The key is looked up without ``sk-`` and up to the first ``-``, so anything else could never be used."""
    key = settings.initial_root_token.removeprefix("sk-")
    if not key or "-" in key or len(key) > 48 or not key.isascii() or not key.isprintable():
        raise SettingsError(
            "INITIAL_ROOT_TOKEN: expected up to 48 plain characters without '-' (an 'sk-' may lead)"
        )
    return key


def _initial_access_token(settings: Settings) -> str:
    token = settings.initial_root_access_token
    if len(token) > 32 or not token.isascii() or not token.isprintable():
        raise SettingsError("INITIAL_ROOT_ACCESS_TOKEN: expected up to 32 plain characters")
    return token


def _initial_password(settings: Settings) -> str:
    password = settings.initial_root_password
    if len(password.encode()) > 72:
        raise SettingsError("INITIAL_ROOT_PASSWORD: expected at most 72 bytes")
    return password
