"""When a balance falls below the limit, or to nothing: once, by whichever batch did it."""

import pytest

from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.lease import USER, Share
from oneapi_app.billing.ledger.crossings import Crossing, crossings


@pytest.mark.parametrize(
    ("before", "units", "crosses"),
    [
        (2000, 500, False),
        (1500, 500, False),  # exactly at the limit is not below it
        (1499, 500, True),
        (1000, 1, True),
        (999, 1, False),  # below it already
        (999, 999, True),  # used up
        (5000, 5000, True),  # both at once
        (0, 0, False),
        (-5, 1, False),
        (3, 0, False),
    ],
)
def test_a_balance(before: int, units: int, crosses: bool):
    after = before - units
    found = list(crossings(Batch(users={7: [units, 1]}), BalancesRead(users={7: after}), 1000))
    assert found == ([Crossing(7, after)] if crosses else [])


def test_a_limit_of_zero_only_tells_of_the_end():
    batch = Batch(users={1: [10, 1], 2: [10, 1]})
    assert list(crossings(batch, BalancesRead(users={1: 5, 2: 0}), 0)) == [Crossing(2, 0)]


def test_several_users_in_a_batch_and_others_that_were_only_read():
    batch = Batch(users={1: [10, 1], 2: [10, 3], 3: [10, 1]})
    found = BalancesRead(users={1: 995, 2: 2000, 3: 999, 4: 1})
    assert [each.user_id for each in crossings(batch, found, 1000)] == [1, 3]


def test_a_batch_whose_balances_nobody_read():
    assert list(crossings(Batch(users={1: [10, 1]}), BalancesRead(), 1000)) == []


def test_the_whole_balance_counts_not_the_part_leased():
    batch = Batch(users={1: [10, 1]})
    plenty = BalancesRead(users={1: 50}, shares={(USER, 1): Share(5000, 0)})
    little = BalancesRead(users={1: 50}, shares={(USER, 1): Share(995, 900)})
    assert list(crossings(batch, plenty, 1000)) == []
    assert list(crossings(batch, little, 1000)) == [Crossing(1, 995)]
