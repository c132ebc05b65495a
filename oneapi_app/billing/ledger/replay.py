"""At start: what processes that died had settled, but not yet brought to the database."""

import logging
from collections.abc import Sequence
from itertools import islice

from oneapi_app.billing.ledger.journal import AbandonedJournal, UnknownFormat
from oneapi_app.billing.ledger.writer import Applied, Job, Writer
from oneapi_app.billing.repository import LedgerStore

log = logging.getLogger(__name__)

_GROUPS_AT_ONCE = 500
_PATIENCE_S = 60.0


def replay(journal: AbandonedJournal, stores: Sequence[LedgerStore]) -> int:
    """Applies what the databases lack, then removes the journal; returns the number of settlements applied.

    A journal these databases know nothing of belongs to others and is left alone, as is one that cannot be
    finished now. Blocks; to be run in a thread.
    """
    applied = 0
    finished = False
    try:
        positions = [store.position(journal.id) for store in stores]
        if any(position is None for position in positions):
            finished = next(journal.groups(), None) is None
            if not finished:
                log.warning("ledger: journal %s belongs to another database and is left alone", journal.id)
            return 0
        finished = True
        for store, position in zip(stores, positions, strict=True):
            count, complete = _bring_up_to_date(journal, store, position or 0)
            applied = max(applied, count)
            finished = finished and complete
    except UnknownFormat as error:
        finished = False
        log.error("ledger: %s", error)
    finally:
        journal.close(remove=finished)
    if finished:
        for store in stores:
            store.forget(journal.id)
    if applied:
        log.info("ledger: applied %d settlements that an earlier process left in its journal", applied)
    return applied


def _bring_up_to_date(journal: AbandonedJournal, store: LedgerStore, position: int) -> tuple[int, bool]:
    count = 0

    def note(applied: Applied) -> None:
        nonlocal count
        count += applied.batch.settlements

    writer = Writer(store, journal.id, on_applied=note, on_failure=lambda _: None, position=position)
    writer.start()
    groups = (payload for sequence, payload in journal.groups() if sequence > position)
    while some := list(islice(groups, _GROUPS_AT_ONCE)):
        writer.submit(Job(some))
    return count, writer.stop(_PATIENCE_S)
