"""Codes and links sent by mail: their hashes in the database, ten minutes, one use, a few guesses, any node.

A guess is counted in a transaction of its own before the code is used, so that a refused use cannot undo the count:
``count_guess`` first, then ``use`` inside whatever the code permits.
"""

import secrets
from hashlib import sha256

from sqlalchemy import ColumnElement
from sqlmodel import col, delete, select

from oneapi_app.accounts.policy import MAX_EMAIL
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.text import is_storable
from oneapi_app.kit.upsert import upsert
from oneapi_app.models import OneTimeCode

EMAIL = "email"
"""Somebody reads this address."""
PASSWORD_RESET = "password_reset"  # noqa: S105 - a purpose
LIFETIME_S = 600
MAX_GUESSES = 5


def issue(uow: UnitOfWork, *, purpose: str, address: str, code: str) -> None:
    """From now on this code counts, and no earlier one for the same address."""
    session, now = uow.session, now_s()
    session.exec(delete(OneTimeCode).where(col(OneTimeCode.expires_at) < now))
    fresh = {"code_hash": _hash(purpose, address, code), "attempts": 0, "expires_at": now + LIFETIME_S}
    # In one step, for several nodes may be asked for the same address at the same moment.
    key = {"purpose": purpose, "address": address}
    session.connection().execute(upsert(uow.dialect, OneTimeCode, key, fresh))


def count_guess(uow: UnitOfWork, *, purpose: str, address: str, code: str) -> None:
    """A wrong guess uses up one of the few; after the last the right code is worthless too."""
    if not _is_possible(address, code):
        return
    statement = select(OneTimeCode).where(*_of(purpose, address)).with_for_update()
    found = uow.session.exec(statement).first()
    if found is not None and not secrets.compare_digest(found.code_hash, _hash(purpose, address, code)):
        found.attempts += 1


def use(uow: UnitOfWork, *, purpose: str, address: str, code: str) -> bool:
    """Whether the code is right, and in time; it is gone then, unless the transaction fails."""
    if not _is_possible(address, code):
        return False
    statement = delete(OneTimeCode).where(
        *_of(purpose, address),
        col(OneTimeCode.code_hash) == _hash(purpose, address, code),
        col(OneTimeCode.attempts) < MAX_GUESSES,
        col(OneTimeCode.expires_at) >= now_s(),
    )
    return uow.session.exec(statement).rowcount > 0


def _of(purpose: str, address: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(OneTimeCode.purpose) == purpose, col(OneTimeCode.address) == address


def _is_possible(address: str, code: str) -> bool:
    return len(address) <= MAX_EMAIL and is_storable(address) and is_storable(code)


def _hash(purpose: str, address: str, code: str) -> str:
    return sha256(f"{purpose}\n{address}\n{code}".encode()).hexdigest()
