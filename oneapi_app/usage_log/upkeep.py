"""The log's upkeep, in steps so small that nobody notices: totals of past days, rows of other programs, retention.

``Upkeep.run`` is a background task of one node. Each step is a transaction of its own, with a pause after it, so
that the ledger's writer gets its turn on SQLite.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from oneapi_app.actor import ADMIN, Actor, require_role
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models.usage_mark import COUNTED_LOG_ID, SUMMED_UNTIL
from oneapi_app.usage_log.policy import DAY_S, HOUR_S
from oneapi_app.usage_log.repository import rows, stretches, upkeep

P = ParamSpec("P")

EVERY_S = 600
LOOK_S = 1
PAUSE_S = 0.02
ROWS_AT_ONCE = 2_000
IDS_AT_ONCE = 20_000
LATE_DAYS = 3
"""Days looked at again, for settlements that came late out of a journal."""

log = logging.getLogger(__name__)


class Upkeep:
    """``retention_days`` is asked anew on each round; 0 keeps everything."""

    def __init__(self, database: Database, retention_days: Callable[[], int]) -> None:
        self._database = database
        self._retention_days = retention_days

    async def run(self, is_ours: Callable[[], bool]) -> None:
        """Until cancelled. ``is_ours``: asked before each round, whether no other node does it."""
        first = True
        while True:
            if not is_ours():
                await asyncio.sleep(LOOK_S)
                continue
            try:
                await self.round(count_rows=first)
                first = False
            except Exception:
                log.exception("upkeep of the usage log failed; next try in %d s", EVERY_S)
            await asyncio.sleep(EVERY_S)

    async def round(self, *, count_rows: bool) -> None:
        """One round. ``count_rows``: look for rows that another program wrote while we were away."""
        if count_rows:
            await _repeat(self._database, count_other_rows)
            await self._database.run(forget_stretches)
        await _repeat(self._database, count_next_stretch)
        await _repeat(self._database, sum_next_day)
        days = self._retention_days()
        if days > 0:
            await clean_up(self._database, None, now_s() - days * DAY_S)


async def _repeat(
    database: Database, step: Callable[Concatenate[UnitOfWork, P], int], *args: P.args, **kwargs: P.kwargs
) -> int:
    """Runs the step, a transaction each time, until it has nothing more to do; the sum of what it did."""
    done = 0
    while count := await database.run(step, *args, **kwargs):
        done += count
        await asyncio.sleep(PAUSE_S)
    return done


def count_other_rows(uow: UnitOfWork) -> bool:
    """Adds the next stretch of rows that are in no figure yet; False when there is nothing more to look at."""
    session = uow.log_session
    after = upkeep.read_mark(session, COUNTED_LOG_ID) or 0
    newest = rows.newest_id(session)
    if after >= newest:
        return False
    until = min(after + IDS_AT_ONCE, newest)
    changed = upkeep.count_foreign_rows(session, after, until)
    upkeep.write_mark(session, COUNTED_LOG_ID, until)
    summed = upkeep.read_mark(session, SUMMED_UNTIL)
    if changed is not None and summed is not None and changed < summed:
        upkeep.write_mark(session, SUMMED_UNTIL, changed - changed % DAY_S)
    return True


def count_next_stretch(uow: UnitOfWork) -> bool:
    """For pages far down the log; False when all that is over is counted."""
    return stretches.count_next(uow.log_session)


def forget_stretches(uow: UnitOfWork) -> None:
    """Another program may have deleted rows while we were away."""
    stretches.forget(uow.log_session)


def sum_next_day(uow: UnitOfWork) -> bool:
    """Writes the totals of the next day that is over, or mends those of a late one; False when all is done."""
    session = uow.log_session
    until = upkeep.read_mark(session, SUMMED_UNTIL)
    if until is None:
        first = upkeep.first_hour(session)
        if first is None:
            return False
        until = first - first % DAY_S
    if until + DAY_S + HOUR_S <= now_s():
        upkeep.sum_day(session, until)
        upkeep.write_mark(session, SUMMED_UNTIL, until + DAY_S)
        return True
    for day in range(until - LATE_DAYS * DAY_S, until, DAY_S):
        if not upkeep.is_day_summed(session, day):
            upkeep.sum_day(session, day)
            return True
    return False


async def clean_up(database: Database, actor: Actor | None, before: int) -> int:
    """Deletes log rows older than ``before``, their details and failures, in small batches; returns how many rows.

    ``actor`` None is the program itself. Figures of past days stay: dashboards keep their history.
    """
    deleted = await _repeat(database, delete_some, actor, before)
    await _repeat(database, delete_some_details, actor, before)
    return deleted


def delete_some(uow: UnitOfWork, actor: Actor | None, before: int) -> int:
    _may_clean_up(actor)
    return upkeep.delete_rows(uow.log_session, before, ROWS_AT_ONCE)


def delete_some_details(uow: UnitOfWork, actor: Actor | None, before: int) -> int:
    _may_clean_up(actor)
    session = uow.log_session
    details = upkeep.delete_details(session, before, ROWS_AT_ONCE)
    return details + upkeep.delete_failures(session, before, ROWS_AT_ONCE)


def count_before(uow: UnitOfWork, actor: Actor, *, before: int) -> int:
    """How many rows a clean-up would delete."""
    require_role(actor, ADMIN)
    return upkeep.count_before(uow.log_session, before)


def _may_clean_up(actor: Actor | None) -> None:
    if actor is not None:
        require_role(actor, ADMIN)
