"""Settlements as the database gets them: rows, and sums per account, channel and hour."""

from oneapi_app.billing.batch import DETAIL_COLUMNS, HOUR_SUMS, LOG_COLUMNS, Batch, build_batch
from oneapi_app.billing.charge import Charge, Gathered, figures_of, read_group, write_group
from tests.billing.seeds import charge

NOON = 1_764_072_000
HOUR = 3600


def batch_of(*groups: list[tuple[Charge, int, bool]]) -> Batch:
    """Each group a list of charges with what was collected and whether the token is limited."""
    read = []
    for sequence, group in enumerate(groups, 1):
        gathered: Gathered = {}
        for bill, units, limited in group:
            gathered.setdefault((bill.head, limited, bill.write_log), []).extend(figures_of(units, bill))
        read.append(read_group(write_group(sequence, gathered)))
    return build_batch(read)


def column(batch: Batch, name: str) -> list[object]:
    return batch.log_values[LOG_COLUMNS.index(name) :: len(LOG_COLUMNS)]


def hour_sums(batch: Batch, hour: int) -> dict[str, int]:
    (sums,) = [sums for key, sums in batch.hours.items() if key[0] == hour]
    return dict(zip(HOUR_SUMS, sums, strict=True))


def test_groups_are_added_up_by_what_they_have_in_common():
    one, two = charge(5, created_at=NOON), charge(7, account=2, created_at=NOON + 1)
    again = charge(6, created_at=NOON + 2)
    again.head = one.head
    batch = batch_of([(one, 5, True), (two, 7, False)], [(again, 6, True)])
    assert (batch.sequence, batch.settlements) == (2, 3)
    assert batch.users == {1: [11, 2], 2: [7, 1]}
    assert (batch.tokens, batch.unlimited_tokens) == ({1: [11, NOON + 2]}, {2})
    assert batch.channels == {1: 11, 2: 7}
    assert column(batch, "quota") == [5, 6, 7]
    assert column(batch, "username") == ["user1", "user1", "user2"]
    assert column(batch, "request_id") == [one.request_id, again.request_id, two.request_id]
    assert batch.detail_values[:: len(DETAIL_COLUMNS)] == column(batch, "request_id")
    assert len(batch.hours) == 2


def test_an_account_that_pays_in_two_ways_is_one_account():
    one, two = charge(5), charge(7)
    batch = batch_of([(one, 5, True), (two, 7, False)])
    assert (batch.users, batch.channels) == ({1: [12, 2]}, {1: 12})
    assert (batch.tokens[1][0], batch.unlimited_tokens) == (5, {1})
    (sums,) = batch.hours.values()
    assert sums[:2] == [2, 12]


def test_each_hour_has_its_own_sums():
    head = charge(1).head
    bills = [
        charge(3, created_at=NOON - 1),
        charge(4, created_at=NOON, is_stream=True, first_token_ms=9),
        charge(5, created_at=NOON + 2 * HOUR),
    ]
    for bill in bills:
        bill.head = head
    batch = batch_of([(bill, bill.quota_units, True) for bill in bills])
    assert sorted(key[0] for key in batch.hours) == [NOON - HOUR, NOON, NOON + 2 * HOUR]
    assert hour_sums(batch, NOON - HOUR)["quota"] == 3
    assert hour_sums(batch, NOON) == {
        "requests": 1, "quota": 4, "prompt_tokens": 12, "completion_tokens": 7, "cached_tokens": 2,
        "elapsed_ms": 100, "first_token_ms": 9, "streams": 1,
    }  # fmt: skip
    assert hour_sums(batch, NOON + 2 * HOUR)["streams"] == 0


def test_what_is_not_logged_is_charged_all_the_same():
    batch = batch_of([(charge(5, write_log=False), 5, True)])
    assert (batch.users, batch.log_values, batch.detail_values, batch.hours) == ({1: [5, 1]}, [], [], {})


def test_counts_and_texts_fit_their_columns():
    bill = charge(1, prompt_tokens=10**40, model_name="m\0" * 300, request_id="r" * 100)
    batch = batch_of([(bill, 1, True), (charge(1), 1, True)])
    assert column(batch, "prompt_tokens") == [2**53, 12]
    assert column(batch, "model_name") == ["m" * 191, "gpt-4o-mini"]
    assert column(batch, "request_id")[0] == "r" * 64
