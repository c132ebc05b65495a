"""The ledger as the relay, the services and the runtime see it. Everything here runs on the event loop.

Settlements of one loop tick share one journal write; journalled groups gather, batches are ``batch_ms`` apart, and go to
the writer's thread; when they are in the database, the balances read in the same transaction come back here.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.charge import Charge, ChargeHead, Gathered, figures_of, write_group
from oneapi_app.billing.errors import (
    JournalUnavailable,
    LedgerRefusal,
    TokenQuotaExceeded,
    UserQuotaExceeded,
)
from oneapi_app.billing.ledger.balances import Account, Reservation, collect, take
from oneapi_app.billing.ledger.journal import open_journal
from oneapi_app.billing.ledger.leases import Leases
from oneapi_app.billing.ledger.replay import replay
from oneapi_app.billing.ledger.supply import RECHECK_S, Search, Supply, WholeBalances
from oneapi_app.billing.ledger.sync import JournalSync
from oneapi_app.billing.ledger.writer import Applied, Job, Writer
from oneapi_app.billing.repository import LedgerStore
from oneapi_app.errors import SettingsError
from oneapi_app.kit.database import Database

log = logging.getLogger(__name__)

JOURNAL_LIMIT_BYTES = 64 << 20
"""Settlements the database has not taken yet, in bytes of journal (and about as much memory): some 600,000 under load,
160,000 where each has a line of its own.
"""
_FULL = "the ledger's journal is full: the database does not take settlements"
STOP_S = 20.0
"""A graceful stop waits this long for the database; what is left stays in the journal for the next start."""
QUICK_S = 0.02
"""After a pause a batch waits no longer: whoever looks after one call sees it."""
_BATCH_BYTES = 150_000
"""A batch that grew so large does not wait for its time: whoever needs a larger lease waits for it."""
_RETRY_S = 0.5
_REFRESH_S = 5.0
Watcher = Callable[[Batch, BalancesRead], None]


class Written(asyncio.Future[None]):
    """Done when the journal has the settlement. Waiters share it, so cancelling one must not cancel it."""

    def cancel(self, msg: object = None) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class LedgerStats:
    """For operators. ``problem`` is empty when all is well."""

    pending_groups: int
    pending_bytes: int
    last_batch_ms: float
    lag_s: float
    problem: str


@dataclass(slots=True)
class _Group:
    sequence: int
    payload: bytes
    written: Written
    since: float


class Ledger:
    """One per process."""

    def __init__(self, database: Database, journal_dir: Path, *, batch_ms: int, fsync: bool) -> None:
        self._database = database
        self._directory = journal_dir
        self._batch_s = batch_ms / 1000
        self._fsync = fsync
        self._supply = self._supply_of(database)
        self._balances = self._supply.balances
        self._opening: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._closed = "the ledger is not running"
        self._finished = False
        self._journal_problem = ""
        self._refusing = self._closed
        self._gathered: Gathered = {}
        self._written: Written | None = None
        self._sequence = 0
        self._unwritten: deque[_Group] = deque()
        self._to_send: list[_Group] = []
        self._to_send_bytes = 0
        self._sent: deque[_Group] = deque()
        self._batch_timer: asyncio.TimerHandle | None = None
        self._sent_at = -math.inf
        self._tickets: dict[int, asyncio.Future[None]] = {}
        self._pending_bytes = 0
        self._last_ticket = 0
        self._last_batch_ms = 0.0
        self._problem = ""
        self._watcher: Watcher = _nobody_watches

    def watch(self, watcher: Watcher) -> None:
        """``watcher(batch, balances)`` is called on the loop after each batch, with what the database says since."""
        self._watcher = watcher

    async def start(self) -> None:
        """Opens a journal and applies what earlier processes left behind. Raises SettingsError."""
        self._loop = asyncio.get_running_loop()
        self._supply.claim()
        try:
            self._journal, abandoned = open_journal(self._directory, fsync=self._fsync)
        except OSError as error:
            self._supply.stop()
            raise SettingsError(
                f"DATA_DIR: the ledger's journal cannot be kept in {self._directory}: {error.strerror}"
            ) from None
        self._stores = _stores(self._database, self._fsync)
        for store in self._stores:
            await asyncio.to_thread(store.register, self._journal.id)
        for left_behind in abandoned:
            await asyncio.to_thread(replay, left_behind, self._stores)
        self._sync = JournalSync(self._journal, self._journal_failed) if self._fsync else None
        self._progress = [0] * len(self._stores)
        self._writers = [self._writer(index, store) for index, store in enumerate(self._stores)]
        for writer in self._writers:
            writer.start()
        self._supply.start()
        self._closed = ""
        self._update_refusal()

    async def stop(self) -> None:
        """Everything settled is in the database afterwards, or in the journal if the database is away.

        What is settled while this runs is kept too; afterwards settling raises JournalUnavailable.
        """
        self._closed = "the server is stopping"
        self._update_refusal()
        self._write_gathered()
        self._send_batch()
        if self._sync is not None:
            await self._sync.finished()
        drained = [await asyncio.to_thread(writer.stop, STOP_S) for writer in self._writers]
        await asyncio.sleep(0)  # let the writers' last callbacks run
        self._write_gathered()
        self._finished = True
        self._supply.stop()
        for future in self._tickets.values():
            future.cancel()
        finished = all(drained) and min(self._progress) == self._sequence
        if not finished:
            log.error("ledger: the database did not take everything; the next start applies the rest")
        self._journal.close(remove=finished)
        if finished:
            for store in self._stores:
                await asyncio.to_thread(store.forget, self._journal.id)

    async def open_account(self, user_id: int, token_id: int) -> None:
        """Reads both balances, where they are not in memory yet. Rows that are gone count as empty.

        Raises JournalUnavailable where the database does not answer.
        """
        key = (user_id, token_id)
        task = self._opening.get(key)
        if task is None:
            task = self._opening[key] = asyncio.create_task(self._supply.open(user_id, token_id))
            task.add_done_callback(lambda _: self._opening.pop(key, None))
        await asyncio.shield(task)

    def has_account(self, user_id: int, token_id: int) -> bool:
        return user_id in self._balances.users and token_id in self._balances.tokens

    def token_account(self, token_id: int) -> Account:
        """The one that the token's calls are charged to as long as this process lives; it must be open."""
        return self._balances.tokens[token_id]

    def reserve(self, user_id: int, token_id: int, quota_units: int) -> Reservation:
        """Sets units aside. Raises UserQuotaExceeded, TokenQuotaExceeded, JournalUnavailable.

        The account must be open. What memory holds decides; ``obtain`` looks further before it refuses.
        """
        if self._refusing:
            raise JournalUnavailable(self._refusing)
        try:
            return self._balances.reserve(user_id, token_id, quota_units)
        except LedgerRefusal:
            self._supply.refused(user_id, token_id)
            raise

    async def obtain(self, user_id: int, token_id: int, quota_units: int) -> Reservation:
        """As ``reserve``; where nodes share the balance, it takes more of it before it refuses. Waits only then."""
        search: Search | None = None
        while True:
            try:
                return self.reserve(user_id, token_id, quota_units)
            except (UserQuotaExceeded, TokenQuotaExceeded):
                if search is None:
                    user, token = self._balances.users[user_id], self._balances.tokens[token_id]
                    search = Search(user, token, quota_units)
                if not await self._supply.more(search):
                    raise

    def release(self, reservation: Reservation) -> None:
        """Nothing is owed."""
        self._balances.release(reservation)

    def covers(self, reservation: Reservation, quota_units: int) -> bool:
        """Whether so much could be collected now: more than was reserved may be, where others leave it."""
        user, token = reservation.user, reservation.token
        beyond = quota_units - reservation.units
        return user.available >= beyond and (not token.limited or token.available >= beyond)

    async def cover(self, reservation: Reservation, quota_units: int) -> None:
        """Before a bill that memory does not cover: takes what there is of the balance, where nodes share it."""
        beyond = quota_units - reservation.units
        search = Search(reservation.user, reservation.token, beyond, partly=True)
        with suppress(JournalUnavailable):
            while not self.covers(reservation, quota_units) and await self._supply.more(search):
                pass

    def settle(self, reservation: Reservation, charge: Charge) -> Written:
        """Charges, exactly once; await the result before the client gets its last byte.

        What is collected is the charge or all that is available, whichever is less; the rest goes into the log
        row's detail as ``uncollected_units``. Cancelling the wait undoes nothing.
        """
        if self._finished:
            raise JournalUnavailable("the server has stopped")
        collected, limited = collect(reservation, charge.quota_units)
        key = (charge.head, limited, charge.write_log)
        self._gathered.setdefault(key, []).extend(figures_of(collected, charge))
        return self._written or self._write_soon()

    def settle_plain(
        self,
        reservation: Reservation,
        head: ChargeHead,
        price: int,
        prompt_tokens: int,
        completion_tokens: int,
        cached_tokens: int,
        elapsed_ms: int,
        request_id: str,
        created_at: int,
        write_log: bool,
        attempt_ms: int,
    ) -> Written | None:
        """As ``settle``, for a whole answer with the usual detail, where all of the price can be collected; None, and
        nothing has changed, where it cannot.
        """
        limited = None if self._finished else take(reservation, price)
        if limited is None:
            return None
        key = (head, limited, write_log)
        figures = self._gathered.get(key)
        if figures is None:
            figures = self._gathered[key] = []
        figures += (
            created_at,
            price,
            prompt_tokens,
            completion_tokens,
            cached_tokens,
            False,
            elapsed_ms,
            0,
            request_id,
            attempt_ms,
            None,
        )
        return self._written or self._write_soon()

    def _write_soon(self) -> Written:
        written = self._written = Written(loop=self._loop)
        self._loop.call_soon(self._write_gathered)
        return written

    async def refresh(self, user_id: int | None, token_id: int | None) -> None:
        """Somebody else changed these balances in the database: they are in step when this returns."""
        users = [known for known in (user_id,) if known in self._balances.users]
        tokens = [known for known in (token_id,) if known in self._balances.tokens]
        if (users or tokens) and not self._closed:
            try:
                await asyncio.wait_for(
                    self._request(self._writers[0], Job(users=users, tokens=tokens)), _REFRESH_S
                )
            except TimeoutError:
                log.warning("ledger: the database is slow, a changed balance arrives later")

    async def flushed(self) -> None:
        """Everything settled so far is in the database when this returns."""
        self._write_gathered()
        self._send_batch()
        await asyncio.gather(*(self._request(writer, Job()) for writer in self._writers))

    async def is_spent(self, token_id: int) -> bool:
        """Whether nothing is left of the token's quota, by a look into the database no older than a second."""
        account = self._balances.tokens[token_id]
        now = time.monotonic()
        if account.whole <= 0 and now - account.checked_at > RECHECK_S:
            account.checked_at = now
            await self.refresh(None, token_id)
        return account.whole <= 0

    def ask_through(self, ask: Callable[[int | None, int | None], bool]) -> None:
        """How to ask other nodes for spare units of a user and a token; it returns whether they can be reached."""
        self._supply.ask_through(ask)

    def give_back(self, user_id: int | None, token_id: int | None) -> None:
        """Another node asked: what this one holds of these balances and does not need is everybody's again."""
        if not self._closed:
            self._supply.give_back(user_id, token_id)

    def user_available(self, user_id: int) -> int:
        """What can be reserved without asking; the account must be open."""
        return self._balances.users[user_id].available

    def user_balance(self, user_id: int) -> int:
        """What the user has as far as is known here, reserved or not."""
        return self._balances.users[user_id].whole

    def token_available(self, token_id: int) -> int | None:
        """As ``user_available``; None for unlimited tokens."""
        account = self._balances.tokens[token_id]
        return account.available if account.limited else None

    def token_balance(self, token_id: int) -> int:
        """Remaining quota as far as is known here, reserved or not."""
        return self._balances.tokens[token_id].whole

    @property
    def stats(self) -> LedgerStats:
        oldest = self._sent[0] if self._sent else self._to_send[0] if self._to_send else None
        return LedgerStats(
            len(self._sent) + len(self._to_send),
            self._pending_bytes,
            self._last_batch_ms,
            time.monotonic() - oldest.since if oldest else 0.0,
            self._refusing or self._problem,
        )

    def _write_gathered(self) -> None:
        """Once per loop tick in which something was settled."""
        if self._written is None:
            return
        self._sequence += 1
        payload = write_group(self._sequence, self._gathered)
        group = _Group(self._sequence, payload, self._written, time.monotonic())
        self._gathered, self._written = {}, None
        self._pending_bytes += len(payload)
        self._to_send.append(group)
        self._to_send_bytes += len(payload)
        self._unwritten.append(group)
        if len(self._unwritten) == 1:
            self._write_to_journal()
        if self._to_send_bytes > _BATCH_BYTES:
            self._send_batch()
        elif self._batch_timer is None:
            at = max(self._loop.time() + min(QUICK_S, self._batch_s), self._sent_at + self._batch_s)
            self._batch_timer = self._loop.call_at(at, self._send_batch)

    def _write_to_journal(self) -> None:
        """While this fails nothing new is taken on; what is settled waits for the journal or the database."""
        while self._unwritten and not self._finished:
            group = self._unwritten[0]
            try:
                self._journal.append(group.sequence, group.payload)
            except OSError as error:
                self._journal_failed(error)
                self._loop.call_later(_RETRY_S, self._write_to_journal)
                return
            self._unwritten.popleft()
            if self._sync is None:
                _resolve(group.written)
            else:
                self._sync.request(partial(_resolve, group.written))
        self._journal_problem = ""
        self._update_refusal()

    def _journal_failed(self, error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        if not self._journal_problem:
            log.error("ledger: the journal cannot be written (%s); requests are refused", reason)
        self._journal_problem = f"the ledger's journal cannot be written ({reason})"
        self._update_refusal()

    def _update_refusal(self) -> None:
        full = self._pending_bytes > JOURNAL_LIMIT_BYTES
        self._refusing = self._closed or self._journal_problem or (_FULL if full else "")

    def _send_batch(self) -> None:
        if self._batch_timer is not None:
            self._batch_timer.cancel()
            self._batch_timer = None
        if self._to_send:
            self._sent_at = self._loop.time()
            self._sent.extend(self._to_send)
            for writer in self._writers:
                writer.submit(Job([group.payload for group in self._to_send]))
            self._to_send, self._to_send_bytes = [], 0

    def _request(self, writer: Writer, job: Job) -> asyncio.Future[None]:
        """Done when the writer has done this job and all before it."""
        self._last_ticket += 1
        job.tickets.append(self._last_ticket)
        future = self._tickets[self._last_ticket] = self._loop.create_future()
        writer.submit(job)
        return future

    def _supply_of(self, database: Database) -> Supply:
        if database.dialect == "sqlite":
            return WholeBalances(database, lambda job: self._writers[0].submit(job))
        return Leases(
            lambda job: self._request(self._writers[0], job),
            lambda silent_s: asyncio.to_thread(self._stores[0].drop_silent, silent_s),
        )

    def _writer(self, index: int, store: LedgerStore) -> Writer:
        def on_loop(callback: Callable[..., None], *args: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody needs to know any more
                self._loop.call_soon_threadsafe(callback, *args)

        return Writer(
            store,
            self._journal.id,
            on_applied=partial(on_loop, self._applied, index),
            on_failure=partial(on_loop, self._writer_failed),
        )

    def _writer_failed(self, reason: str) -> None:
        self._problem = f"the database does not take settlements ({reason})"

    def _applied(self, index: int, applied: Applied) -> None:
        self._problem = ""
        self._last_batch_ms = applied.took_ms
        batch = applied.batch
        if index == 0:
            self._supply.applied(applied)
        if batch.settlements:
            self._progress[index] = batch.sequence
            self._forget_applied(min(self._progress))
        for ticket in applied.tickets:
            if (future := self._tickets.pop(ticket, None)) is not None and not future.done():
                future.set_result(None)
        if index == 0:
            self._watcher(batch, applied.balances)

    def _forget_applied(self, sequence: int) -> None:
        while self._sent and self._sent[0].sequence <= sequence:
            group = self._sent.popleft()
            self._pending_bytes -= len(group.payload)
            _resolve(group.written)
        while self._unwritten and self._unwritten[0].sequence <= sequence:
            self._unwritten.popleft()
        self._journal.applied(sequence)
        self._update_refusal()


def _nobody_watches(_batch: Batch, _balances: BalancesRead) -> None: ...


def _resolve(written: Written) -> None:
    if not written.done():
        written.set_result(None)


def _stores(database: Database, fsync: bool) -> list[LedgerStore]:
    """The first one holds the accounts."""
    if not database.has_own_log_database:
        return [LedgerStore(database, database.engine, accounts=True, logs=True, sync=fsync)]
    return [
        LedgerStore(database, database.engine, accounts=True, logs=False, sync=fsync),
        LedgerStore(database, database.log_engine, accounts=False, logs=True, sync=fsync),
    ]
