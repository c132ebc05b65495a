"""The thread that takes settlements from memory to the database, group after group, and never gives up.

It hears of nothing but jobs and answers through callbacks, in order. A batch that fails is tried again with
growing pauses; one that keeps failing while the database answers is applied group by group, so that a text
some engine refuses cannot hold up the rest.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from oneapi_app.billing.batch import BalancesRead, Batch, build_batch
from oneapi_app.billing.charge import Group, read_group
from oneapi_app.billing.lease import TOKEN, USER, Key, LeaseChange
from oneapi_app.billing.repository import LedgerStore, PositionMoved

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 5.0
_FIRST_PAUSE_S = 0.05
_TRIES_TOGETHER = 2
_BYTES_AT_ONCE = 150_000
"""Some 1,200 settlements under load: a larger batch saves nothing, and keeps waiting whoever needs a larger lease."""


@dataclass(slots=True)
class Job:
    """Groups as journalled, oldest first, and accounts whose balance is wanted.

    ``tickets`` come back when this job and all before it are done; those of ``leases`` alone as soon as these are.
    """

    groups: list[bytes] = field(default_factory=list[bytes])
    users: list[int] = field(default_factory=list[int])
    tokens: list[int] = field(default_factory=list[int])
    leases: list[LeaseChange] = field(default_factory=list[LeaseChange])
    tickets: list[int] = field(default_factory=list[int])
    stop: bool = False

    def join(self, other: "Job") -> None:
        self.groups += other.groups
        self.users += other.users
        self.tokens += other.tokens
        self.leases += other.leases
        self.tickets += other.tickets
        self.stop |= other.stop


@dataclass(frozen=True, slots=True)
class Applied:
    """What has become of some jobs: ``batch`` is in the database, ``balances`` are as of then.

    ``began`` is on the monotonic clock, before the database was asked; 0 where an earlier try had got through.
    ``leases`` were asked for; what came of it, only ``balances`` tell.
    """

    batch: Batch
    balances: BalancesRead
    tickets: list[int]
    leases: list[LeaseChange]
    took_ms: float
    began: float


class Writer:
    """Owns one thread. ``on_applied`` and ``on_failure`` are called on it."""

    def __init__(
        self,
        store: LedgerStore,
        journal_id: str,
        *,
        on_applied: Callable[[Applied], None],
        on_failure: Callable[[str], None],
        position: int = 0,
    ) -> None:
        self._store = store
        self._journal_id = journal_id
        self._on_applied = on_applied
        self._on_failure = on_failure
        self._position = position
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._urgent: SimpleQueue[Job] = SimpleQueue()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Leases go with the next transaction, whatever waits before them: requests wait for them."""
        if job.leases and not job.groups:
            self._urgent.put(job)
            job = Job()
        self._jobs.put(job)

    def stop(self, timeout_s: float) -> bool:
        """Waits for what was submitted; whether all of it got through in time."""
        self._jobs.put(Job(stop=True))
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            return True
        self._abandoned.set()
        self._thread.join(LONGEST_PAUSE_S)
        return False

    def _run(self) -> None:
        job = Job()
        while not job.stop and not self._abandoned.is_set():
            job = self._jobs.get()
            for urgent in _taken(self._urgent):
                job.join(urgent)
            size = sum(map(len, job.groups))
            while not job.stop and size < _BYTES_AT_ONCE:
                try:
                    further = self._jobs.get_nowait()
                except Empty:
                    break
                size += sum(map(len, further.groups))
                job.join(further)
            if job.groups or job.tickets:
                self._apply(job)

    def _apply(self, job: Job) -> None:
        groups = [read_group(text) for text in job.groups]
        pause_s = _FIRST_PAUSE_S
        tries = 0
        while not self._abandoned.is_set():
            tries += 1
            try:
                try:
                    if tries == 1:
                        self._apply_together(groups, job, changes=job.leases)
                    elif tries <= _TRIES_TOGETHER:
                        self._apply_together(groups, job)
                    else:
                        self._apply_singly(groups, job)
                    return
                except PositionMoved as moved:
                    groups = self._not_yet_applied(groups, moved.args[0])
            except Exception as error:
                log.warning("ledger: the database did not take a batch (%s), trying again", _name(error))
                self._on_failure(_name(error))
                self._abandoned.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _apply_together(
        self,
        groups: list[Group],
        job: Job,
        *,
        ascii_only: bool = False,
        changes: Sequence[LeaseChange] = (),
    ) -> None:
        """``changes``: of leases, on the first try only. A try that failed may have got through all the same, and
        nothing tells whether these did; so afterwards their accounts are read, and whoever wants more asks again.
        """
        began = time.monotonic()
        batch = build_batch(groups, ascii_only=ascii_only)
        users = [*job.users, *(account_id for kind, account_id in _keys(job.leases) if kind == USER)]
        tokens = [*job.tokens, *(account_id for kind, account_id in _keys(job.leases) if kind == TOKEN)]
        balances = self._store.apply(self._journal_id, self._position, batch, users, tokens, changes)
        if batch.settlements:
            self._position = batch.sequence
        took_ms = (time.monotonic() - began) * 1000
        self._on_applied(Applied(batch, balances, job.tickets, job.leases, took_ms, began))

    def _apply_singly(self, groups: list[Group], job: Job) -> None:
        """Takes from ``groups`` what got through, so that a failure leaves the rest for the next try."""
        while groups:
            try:
                self._apply_together(groups[:1], Job())
            except PositionMoved:
                raise
            except Exception:
                self._apply_together(groups[:1], Job(), ascii_only=True)
            del groups[0]
        self._apply_together([], job)

    def _not_yet_applied(self, groups: list[Group], position: int | None) -> list[Group]:
        """A commit whose answer was lost: what it held is applied, and is reported as such."""
        if position is None:
            log.error("ledger: somebody removed this journal's row from the database; it is made again")
            self._store.register(self._journal_id, self._position)
            return groups
        done = [group for group in groups if group.sequence <= position]
        self._position = position
        if done:
            self._on_applied(Applied(build_batch(done), BalancesRead(), [], [], 0.0, 0.0))
        return [group for group in groups if group.sequence > position]


def _taken(queue: SimpleQueue[Job]) -> Iterator[Job]:
    with suppress(Empty):
        while True:
            yield queue.get_nowait()


def _keys(changes: Iterable[LeaseChange]) -> Iterator[Key]:
    return (change.key for change in changes)


def _name(error: Exception) -> str:
    """For logs: without values, which hold people's texts."""
    original = getattr(error, "orig", None)
    return type(original or error).__name__
