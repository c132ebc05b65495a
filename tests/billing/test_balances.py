"""The arithmetic of balances, against a plain model, whatever the order of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.errors import LedgerRefusal, TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.billing.ledger.balances import Account, MemoryBalances, Reservation, collect


def balances(quota: int, remain: int, *, limited: bool = True) -> MemoryBalances:
    made = MemoryBalances()
    made.users[1] = Account(1)
    made.users[1].read(quota, limited=True)
    made.tokens[1] = Account(1)
    made.tokens[1].read(remain, limited=limited)
    return made


def test_reserve_refuses_what_is_not_there():
    made = balances(10, 5)
    with pytest.raises(UserQuotaExceeded):
        made.reserve(1, 1, 11)
    with pytest.raises(TokenQuotaExceeded):
        made.reserve(1, 1, 6)
    made.reserve(1, 1, 5)
    with pytest.raises(TokenQuotaExceeded):
        made.reserve(1, 1, 1)


def test_unlimited_tokens_are_bounded_by_the_user_alone():
    made = balances(10, 0, limited=False)
    first = made.reserve(1, 1, 10)
    with pytest.raises(UserQuotaExceeded):
        made.reserve(1, 1, 1)
    assert collect(first, 10) == (10, False)
    assert made.tokens[1].balance == 0


def test_a_charge_beyond_everything_takes_what_is_there():
    made = balances(100, 30)
    held = made.reserve(1, 1, 10)
    others = made.reserve(1, 1, 15)
    assert collect(held, 1000) == (15, True), "the other reservation stays covered"
    assert collect(others, 1000) == (15, True)
    assert made.users[1].balance == 70


def test_nothing_is_taken_when_an_admin_left_less_than_nothing():
    made = balances(100, 100)
    held = made.reserve(1, 1, 50)
    made.users[1].read(-20, limited=True)
    assert collect(held, 50) == (0, True)
    assert made.users[1].balance == -20


def test_a_reservation_ends_once():
    made = balances(10, 10)
    held = made.reserve(1, 1, 5)
    collect(held, 5)
    with pytest.raises(RuntimeError):
        collect(held, 5)
    made.release(held)
    assert (made.users[1].reserved, made.users[1].balance) == (0, 5)


class Traffic(RuleBasedStateMachine):
    """Reservations, settlements, batches and foreign changes, beside a model of what the database holds."""

    def __init__(self) -> None:
        super().__init__()
        self.quota, self.remain = 1000, 700
        self.made = balances(self.quota, self.remain)
        self.open: list[Reservation] = []
        self.waiting: list[int] = []
        self.foreign = False

    @rule(units=st.integers(0, 300))
    def reserve(self, units: int) -> None:
        try:
            self.open.append(self.made.reserve(1, 1, units))
        except LedgerRefusal:
            held = sum(reservation.units for reservation in self.open)
            settled = sum(self.waiting)
            assert units > min(self.quota, self.remain) - settled - held

    @precondition(lambda self: self.open)
    @rule(units=st.integers(0, 500))
    def settle(self, units: int) -> None:
        taken, _ = collect(self.open.pop(0), units)
        assert 0 <= taken <= units
        self.waiting.append(taken)

    @precondition(lambda self: self.open)
    @rule()
    def release(self) -> None:
        self.made.release(self.open.pop())

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def apply_batch(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, len(self.waiting)))
        units, self.waiting = sum(self.waiting[:count]), self.waiting[count:]
        self.quota -= units
        self.remain -= units
        self.made.applied(
            Batch(users={1: [units, count]}, tokens={1: [units, 0]}),
            BalancesRead({1: self.quota}, {1: (self.remain, True)}),
        )

    @rule(change=st.integers(0, 500))
    def top_up(self, change: int) -> None:
        self.quota += change
        self.remain += change
        self.made.applied(Batch(), BalancesRead({1: self.quota}, {1: (self.remain, True)}))

    @invariant()
    def memory_is_the_database_less_what_waits(self) -> None:
        user, token = self.made.users[1], self.made.tokens[1]
        held = sum(reservation.units for reservation in self.open)
        assert user.balance == self.quota - sum(self.waiting) >= 0
        assert token.balance == self.remain - sum(self.waiting) >= 0
        assert user.reserved == token.reserved == held
        assert user.balance - held >= 0 and token.balance - held >= 0


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
