"""Periodic work that one node does for all: a lease in the database says which, with Redis or without.

A lease ends by the database's clock, so that nodes need not agree on the time; how long a node may believe in one, it
measures with a stopwatch started before it asked. Slaves never apply.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from sqlalchemy import ColumnElement, Integer, cast, func, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, insert, update

from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models import Duty

log = logging.getLogger(__name__)

LEASE_S = 25
"""After a node has died, its work is another's within this and one ``RENEW_S``."""
RENEW_S = 5.0
_CAUTION_S = 2.0
"""A holder stops believing in its lease this much before the database does."""


class Duties:
    """One per process. A duty is one node's of those that applied for it: not every node is set to do all work."""

    def __init__(
        self,
        database: Database,
        node: str,
        *,
        is_master: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._node = node
        self._is_master = is_master
        self._clock = clock
        self._mine_until: dict[str, float] = {}

    def apply_for(self, name: str) -> Callable[[], bool]:
        """To be asked whenever the work is due: whether it is this node's. No node's before the first ``renew``."""
        if self._is_master:
            self._mine_until.setdefault(name, 0.0)
        return lambda: self._clock() < self._mine_until.get(name, 0.0)

    async def renew(self) -> None:
        """Extends what is ours and takes what nobody has. A database that fails leaves all as it is."""
        for name, until in self._mine_until.items():
            began = self._clock()
            try:
                mine = await self._database.run(claim, name, self._node)
            except IntegrityError:
                mine = False  # another node was the first ever, by an instant
            except Exception as error:
                log.warning("could not apply for duties: %s", type(error).__name__)
                return
            if mine and began >= until:
                log.info("this node does the %s from now on", name)
            self._mine_until[name] = began + LEASE_S - _CAUTION_S if mine else 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.renew()

    async def resign(self) -> None:
        """At a stop: others need not wait for the leases to end."""
        if not self._mine_until:
            return
        self._mine_until.clear()
        try:
            await self._database.run(give_up, self._node)
        except Exception as error:
            log.warning("could not give up duties: %s", type(error).__name__)


def claim(uow: UnitOfWork, name: str, node: str) -> bool:
    """Whether the duty is the node's for the next LEASE_S. IntegrityError: another was faster."""
    now = _database_now(uow.dialect)
    free = or_(col(Duty.holder) == node, col(Duty.expires_at) <= now)
    until = now + LEASE_S
    taken = uow.session.exec(
        update(Duty).where(col(Duty.name) == name, free).values(holder=node, expires_at=until)
    )
    if taken.rowcount or uow.session.get(Duty, name) is not None:
        return bool(taken.rowcount)
    uow.session.exec(insert(Duty).values(name=name, holder=node, expires_at=until))
    return True


def give_up(uow: UnitOfWork, node: str) -> None:
    uow.session.exec(update(Duty).where(col(Duty.holder) == node).values(expires_at=0))


def _database_now(dialect: str) -> ColumnElement[int]:
    """Unix seconds as the database's server counts them."""
    if dialect == "postgresql":
        return func.floor(func.extract("epoch", func.clock_timestamp()))
    if dialect == "mysql":
        return func.unix_timestamp()
    return cast(func.strftime("%s", "now"), Integer)
