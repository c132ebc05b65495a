"""Where the balances in memory come from: the one seam between a process alone and nodes that share a database.

``WholeBalances`` (SQLite): one process owns every balance, memory holds them whole. ``leases.Leases`` (a server's
database): memory holds this node's part, and more can be had.
"""

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from oneapi_app.billing.ledger.balances import Account, MemoryBalances
from oneapi_app.billing.ledger.writer import Applied, Job
from oneapi_app.billing.repository import read_accounts
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import Database

RECHECK_S = 1.0
"""What memory refuses is looked up in the database this often at most."""

Ask = Callable[[int | None, int | None], bool]
"""Asks the other nodes for spare units of a user and a token; False where they cannot be reached."""


@dataclass(slots=True)
class Search:
    """One request's try to get ``units`` more. ``partly``: less is welcome, too."""

    user: Account
    token: Account
    units: int
    partly: bool = False
    rounds: int = 0
    began: float = 0.0


class Supply(Protocol):
    """Everything runs on the event loop."""

    @property
    def balances(self) -> MemoryBalances: ...

    def claim(self) -> None:
        """Before anything is read. Raises SettingsError where this process may not use the database."""
        ...

    def start(self) -> None:
        """The writer runs."""
        ...

    def stop(self) -> None:
        """The writer has ended, or was never started."""
        ...

    async def open(self, user_id: int, token_id: int) -> None:
        """Has both accounts in memory. Raises JournalUnavailable."""
        ...

    def refused(self, user_id: int, token_id: int) -> None:
        """``reserve`` has just refused."""
        ...

    async def more(self, search: Search) -> bool:
        """After memory refused: whether to try again. Raises JournalUnavailable."""
        ...

    def applied(self, applied: Applied) -> None:
        """Called in the order of the writer's transactions, so the balances read last are the newest."""
        ...

    def ask_through(self, ask: Ask) -> None:
        """How to reach the other nodes."""
        ...

    def give_back(self, user_id: int | None, token_id: int | None) -> None:
        """Another node wants what this one has and does not need."""
        ...


class WholeBalances:
    """What the database has is this process's, and nobody else's: a lock beside the file sees to that."""

    def __init__(self, database: Database, submit: Callable[[Job], object]) -> None:
        self.balances = MemoryBalances()
        self._database = database
        self._submit = submit
        self._owner = -1

    def claim(self) -> None:
        path = Path(f"{self._database.address.url.database}-owner")
        try:
            self._owner = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._owner)
            raise SettingsError(
                f"SQLITE_PATH: another process is serving from {self._database.address.url.database}; "
                "several nodes need PostgreSQL or MySQL (SQL_DSN)"
            ) from None
        except OSError as error:
            raise SettingsError(f"SQLITE_PATH: {path} cannot be written: {error.strerror}") from None

    def start(self) -> None:
        pass

    def stop(self) -> None:
        os.close(self._owner)

    async def open(self, user_id: int, token_id: int) -> None:
        found = await self._database.read(read_accounts, user_id, token_id)
        balances = self.balances
        if user_id not in balances.users:
            account = balances.users[user_id] = Account(user_id)
            account.read(found.users[user_id], limited=True)
        if token_id not in balances.tokens:
            account = balances.tokens[token_id] = Account(token_id)
            quota, limited = found.tokens[token_id]
            account.read(quota, limited=limited)

    def refused(self, user_id: int, token_id: int) -> None:
        """Somebody else may have topped up."""
        now = time.monotonic()
        user, token = self.balances.users[user_id], self.balances.tokens[token_id]
        if now - min(user.checked_at, token.checked_at) > RECHECK_S:
            user.checked_at = token.checked_at = now
            self._submit(Job(users=[user_id], tokens=[token_id], tickets=[0]))

    async def more(self, search: Search) -> bool:
        return False

    def applied(self, applied: Applied) -> None:
        self.balances.applied(applied.batch, applied.balances)

    def ask_through(self, ask: Ask) -> None:
        pass

    def give_back(self, user_id: int | None, token_id: int | None) -> None:
        pass
