"""This node's leases in memory: when to take more, when to give back, when not to trust them any more.

A lease is a row of the database (``account_store``). Memory spends from it without asking; when it runs low more is
taken with the next transaction, when it does not suffice the request waits for one. Spare units go back once an
account is idle, and as soon as another node asks. See docs/adr/0008-leases.md.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from oneapi_app.billing.errors import JournalUnavailable
from oneapi_app.billing.lease import TOKEN, USER, Key, LeaseChange
from oneapi_app.billing.ledger.balances import Account, MemoryBalances, Reservation
from oneapi_app.billing.ledger.supply import Ask, Search
from oneapi_app.billing.ledger.writer import Applied, Job

log = logging.getLogger(__name__)

FIRST_MARGIN = 100_000
"""Units taken beyond what is needed at first; doubled while that does not last."""
QUICK_S = 2.0
"""A lease that ran low sooner than this was too small."""
IDLE_S = 5.0
"""An account nobody has used for so long gives its spare units back."""
ASK_S = 0.3
"""A request waits this long for what other nodes may give back, before it is refused."""
_FIRST_PAUSE_S = 0.02
_MOST_ROUNDS = 20
BELIEVED_S = 1.0
"""What the database said of an account is believed this long when there is not enough."""
ANSWER_S = 5.0
"""A request waits this long for the database."""
TICK_S = 1.0
BEAT_S = 5.0
"""A node without traffic gives a sign of life this often."""
TRUST_S = 90.0
"""After so long without the database, nothing more is granted: others may soon take this node for dead."""
DEAD_S = 120
"""The leases of a node that has been silent for so long are dropped by the others."""
_STEADY_S = 30.0
"""Only a node that has reached the database for so long judges others: after an outage all come back at once."""
_GIVEN_AT_ONCE = 200
_SILENT = "the database has not answered for too long: balances cannot be trusted until it does"
_NO_ANSWER = "the database does not answer in time"


class LeasedAccount(Account):
    """``balance`` is this node's lease less what is settled but not applied, and less what is on its way back."""

    __slots__ = (
        "elsewhere",
        "giving",
        "in_flight",
        "key",
        "margin",
        "read_at",
        "refilled_at",
        "rest",
        "vain_at",
        "wanted_at",
    )
    available: int
    value: int

    def __init__(self, key: Key) -> None:
        super().__init__(key[1])
        self.key = key
        self.giving = 0
        self.rest = 0
        """The account's units outside this node's lease, as last seen: nobody's, and other nodes'."""
        self.elsewhere = 0
        """Of these the other nodes'."""
        self.margin = FIRST_MARGIN
        self.in_flight = False
        self.read_at = 0.0
        self.refilled_at = 0.0
        self.wanted_at = 0.0
        """When another node last asked."""
        self.vain_at = 0.0
        """When others were last asked and gave too little."""

    def read(self, value: int, *, limited: bool) -> None:
        super().read(value - self.giving, limited=limited)

    def set_aside(self) -> int:
        """What nobody here needs now, no longer to be reserved: on its way back."""
        spare = max(0, self.available) if self.limited else 0
        self.giving += spare
        self.value -= spare
        self.available -= spare
        return spare

    @property
    def whole(self) -> int:
        return self.balance + self.giving + self.rest


class LeasedBalances(MemoryBalances):
    """Grants nothing once this node may have been taken for dead."""

    def __init__(self) -> None:
        super().__init__()
        self.trusted_until = 0.0

    def reserve(self, user_id: int, token_id: int, units: int) -> Reservation:
        if time.monotonic() > self.trusted_until:
            raise JournalUnavailable(_SILENT)
        return super().reserve(user_id, token_id, units)


@dataclass(slots=True)
class _Need:
    """What requests wait for: the smallest of them, and all together."""

    done: asyncio.Future[None]
    least: int
    total: int = 0
    partly: bool = False


@dataclass(slots=True)
class _Health:
    """Whether this node reaches the database. On the monotonic clock."""

    seen_at: float = 0.0
    steady_since: float = 0.0
    looked_at: float = 0.0
    beat: asyncio.Future[None] | None = field(default=None)


class Leases:
    """The supply of one of several nodes."""

    def __init__(
        self,
        request: Callable[[Job], asyncio.Future[None]],
        drop_silent: Callable[[int], Awaitable[list[str]]],
    ) -> None:
        self.balances = LeasedBalances()
        self._reach_others: Ask = lambda user_id, token_id: False
        self._request = request
        self._drop_silent = drop_silent
        self._accounts: dict[Key, LeasedAccount] = {}
        self._needs: dict[LeasedAccount, _Need] = {}
        self._recent: dict[LeasedAccount, float] = {}
        """Accounts that may have something to give back, the one unused for the longest first."""
        self._health = _Health()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def claim(self) -> None:
        pass

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._health.beat = self._request(Job())
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def open(self, user_id: int, token_id: int) -> None:
        keys: list[Key] = [(USER, user_id), (TOKEN, token_id)]
        changes = [LeaseChange(key, margin=FIRST_MARGIN) for key in keys if key not in self._accounts]
        if changes:
            await _answer(self._request(Job(leases=changes)))

    def refused(self, user_id: int, token_id: int) -> None:
        """Whoever can wait asks for ``more``."""

    async def more(self, search: Search) -> bool:
        lacking = [
            account
            for account in (search.user, search.token)
            if isinstance(account, LeasedAccount) and account.limited and account.available < search.units
        ]
        if not lacking:
            return True
        now = time.monotonic()
        first = search.rounds == 0
        if first:
            search.began = now
        wanted: list[LeasedAccount] = []
        for account in lacking:
            short = (1 if search.partly else search.units - account.available) - account.giving
            known = not first or now - account.read_at < BELIEVED_S
            if known and short > account.rest:
                if account is lacking[0]:
                    return False
                # The refusal is to name this one: it does once the user has enough.
                lacking.remove(account)
                break
            if known and short > account.rest - account.elsewhere:
                wanted.append(account)
        if search.rounds > _MOST_ROUNDS:
            return False
        if wanted and not (first or await self._ask(wanted, search)):
            return False
        search.rounds += 1
        await _answer(
            asyncio.gather(*(self._want(account, search.units, search.partly) for account in lacking))
        )
        return True

    async def _ask(self, wanted: Iterable[LeasedAccount], search: Search) -> bool:
        """Asks the other nodes and gives them time; False where that has no prospect."""
        now = time.monotonic()
        if now - search.began > ASK_S:
            for account in wanted:
                account.vain_at = now
            return False
        if search.rounds == 1 and any(now - account.vain_at < BELIEVED_S for account in wanted):
            return False
        ids = {account.key[0]: account.key[1] for account in wanted}
        if not self._reach_others(ids.get(USER), ids.get(TOKEN)):
            return False
        await asyncio.sleep(_FIRST_PAUSE_S * 2 ** (search.rounds - 1))
        return True

    def _want(self, account: LeasedAccount, units: int, partly: bool) -> asyncio.Future[None]:
        """Joins the account's next change. Done when the database has answered, whatever it said."""
        need = self._needs.get(account)
        if need is None:
            need = self._needs[account] = _Need(self._loop.create_future(), units)
            self._loop.call_soon(self._send_needs)
        need.least = min(need.least, units)
        need.total += units
        need.partly |= partly
        return need.done

    def _send_needs(self) -> None:
        """One job for all that gathered; one change at a time per account."""
        now = time.monotonic()
        sent: dict[LeasedAccount, _Need] = {}
        changes: list[LeaseChange] = []
        for account, need in self._needs.items():
            if account.in_flight:
                continue
            scarce = need.least - account.available > account.rest - account.elsewhere
            # All or nothing: of two nodes that each hold a part and lack the rest, one gets both parts.
            spare = account.set_aside() if scarce and not need.partly else 0
            available = account.available
            least = 1 if need.partly else need.least - available
            margin = self._margin(account, now)
            changes.append(LeaseChange(account.key, spare, least, need.total - available, margin))
            account.in_flight = True
            sent[account] = need
        for account in sent:
            del self._needs[account]
        if sent:
            self._request(Job(leases=changes)).add_done_callback(partial(self._answered, sent))

    def _answered(self, sent: dict[LeasedAccount, _Need], _: object) -> None:
        for account, need in sent.items():
            account.in_flight = False
            if not need.done.done():
                need.done.set_result(None)
        if self._needs:
            self._loop.call_soon(self._send_needs)

    def _margin(self, account: LeasedAccount, now: float) -> int:
        """What to take beyond the need: more where the last refill did not last, nothing where others lack it."""
        if now - account.wanted_at < IDLE_S:
            return 0
        if now - account.refilled_at < QUICK_S:
            account.margin *= 2
        account.refilled_at = now
        return account.margin

    def applied(self, applied: Applied) -> None:
        found, now = applied.balances, time.monotonic()
        for change in applied.leases:
            if account := self._accounts.get(change.key):
                account.giving -= change.give
        if found.lost:
            self._lost()
        for key, share in found.shares.items():
            account = self._accounts.get(key) or self._add(key)
            kind, account_id = key
            lease = found.users[account_id] if kind == USER else found.tokens[account_id][0]
            account.rest, account.elsewhere, account.read_at = share.total - lease, share.elsewhere, now
        self.balances.applied(applied.batch, found)
        self._seen(applied.began)
        for change in applied.leases:
            self._use(change.key, now)
        refills: list[LeaseChange] = []
        for kind, ids in ((USER, applied.batch.users), (TOKEN, applied.batch.tokens)):
            for account_id in ids:
                account = self._use((kind, account_id), now)
                if account is not None and self._runs_low(account):
                    account.in_flight = True
                    margin = self._margin(account, now)
                    refills.append(LeaseChange(account.key, margin=max(0, margin - account.available)))
        if refills:
            sent = {self._accounts[change.key]: _Need(self._loop.create_future(), 0) for change in refills}
            self._request(Job(leases=refills)).add_done_callback(partial(self._answered, sent))

    def _add(self, key: Key) -> LeasedAccount:
        account = self._accounts[key] = LeasedAccount(key)
        known = self.balances.users if key[0] == USER else self.balances.tokens
        known[key[1]] = account
        return account

    def _use(self, key: Key, now: float) -> LeasedAccount | None:
        account = self._accounts.get(key)
        if account is not None:
            self._recent.pop(account, None)
            if account.balance or account.reserved:
                self._recent[account] = now
        return account

    def _runs_low(self, account: LeasedAccount) -> bool:
        return (
            account.limited
            and not account.in_flight
            and account.available * 2 < account.margin
            and account.rest > account.elsewhere
            and time.monotonic() - account.wanted_at > IDLE_S
        )

    def ask_through(self, ask: Ask) -> None:
        self._reach_others = ask

    def give_back(self, user_id: int | None, token_id: int | None) -> None:
        """All that is not reserved."""
        now = time.monotonic()
        named = [self._accounts.get((USER, user_id or 0)), self._accounts.get((TOKEN, token_id or 0))]
        accounts = [account for account in named if account is not None]
        for account in accounts:
            account.wanted_at = now
            account.margin = FIRST_MARGIN
        self._give(accounts)

    def _give(self, accounts: Iterable[LeasedAccount]) -> None:
        changes = [
            LeaseChange(account.key, give=units) for account in accounts if (units := account.set_aside())
        ]
        if changes:
            self._request(Job(leases=changes))

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK_S, self._tick)
        now = time.monotonic()
        health = self._health
        if now - health.seen_at > BEAT_S and (health.beat is None or health.beat.done()):
            health.beat = self._request(Job())
        self._give_idle(now)
        if now - health.steady_since > _STEADY_S and now - health.looked_at > _STEADY_S:
            health.looked_at = now
            task = self._loop.create_task(self._look_for_dead())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _give_idle(self, now: float) -> None:
        idle = [
            account
            for account, used_at in islice(self._recent.items(), _GIVEN_AT_ONCE)
            if now - used_at > IDLE_S
        ]
        for account in idle:
            del self._recent[account]
            if account.reserved or account.unapplied:
                self._recent[account] = now
            account.margin = FIRST_MARGIN
        self._give(account for account in idle if not account.in_flight)

    def _seen(self, began: float) -> None:
        """The database was reached by a transaction that began then."""
        health = self._health
        if began - health.seen_at > 3 * BEAT_S:
            health.steady_since = began
        health.seen_at = max(health.seen_at, began)
        self.balances.trusted_until = health.seen_at + TRUST_S

    def _lost(self) -> None:
        """Others took this node for dead: none of its leases holds any more."""
        log.warning("ledger: this node was silent for too long; what it had leased is taken anew")
        for account in self._accounts.values():
            account.rest += account.value + account.giving
            account.read(0, limited=account.limited)

    async def _look_for_dead(self) -> None:
        try:
            dropped = await self._drop_silent(DEAD_S)
        except Exception as error:
            log.warning("ledger: could not look for silent nodes: %s", type(error).__name__)
            return
        for journal_id in dropped:
            log.warning(
                "ledger: the node of journal %s has been silent for %d s; the balances it held are free again",
                journal_id,
                DEAD_S,
            )


async def _answer(request: asyncio.Future[Any]) -> None:
    """Raises JournalUnavailable where the database takes too long."""
    try:
        await asyncio.wait_for(asyncio.shield(request), ANSWER_S)
    except TimeoutError:
        raise JournalUnavailable(_NO_ANSWER) from None
