"""One-time codes on the three engines: one use, few guesses, ten minutes, the newest counts."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from oneapi_app.accounts import codes
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models import OneTimeCode

ADDRESS = "Amy@example.com"


def issue(database: Database, code: str, purpose: str = codes.EMAIL, address: str = ADDRESS) -> None:
    database.run_sync(codes.issue, purpose=purpose, address=address, code=code)


def use(database: Database, code: str, purpose: str = codes.EMAIL, address: str = ADDRESS) -> bool:
    database.run_sync(codes.count_guess, purpose=purpose, address=address, code=code)
    return database.run_sync(codes.use, purpose=purpose, address=address, code=code)


def row(database: Database) -> OneTimeCode | None:
    return database.read_sync(lambda uow: uow.session.get(OneTimeCode, (codes.EMAIL, ADDRESS)))


def test_a_code_counts_once(database: Database):
    issue(database, "0a1b2c")
    assert not use(database, "0a1b2d")
    assert use(database, "0a1b2c")
    assert not use(database, "0a1b2c")


def test_the_newest_counts(database: Database):
    issue(database, "111111")
    issue(database, "222222")
    assert not use(database, "111111")
    assert use(database, "222222")


def test_it_is_for_its_purpose_and_its_address(database: Database):
    issue(database, "0a1b2c")
    assert not use(database, "0a1b2c", purpose=codes.PASSWORD_RESET)
    assert not use(database, "0a1b2c", address="amy@example.com")
    assert use(database, "0a1b2c")


def test_too_many_guesses_make_it_worthless(database: Database):
    issue(database, "0a1b2c")
    for guess in range(codes.MAX_GUESSES):
        assert not use(database, f"{guess:06d}")
    assert not use(database, "0a1b2c")
    issue(database, "3d4e5f")
    assert use(database, "3d4e5f"), "a new one starts afresh"


def test_a_right_guess_costs_nothing(database: Database):
    issue(database, "0a1b2c")
    for _ in range(2 * codes.MAX_GUESSES):
        database.run_sync(codes.count_guess, purpose=codes.EMAIL, address=ADDRESS, code="0a1b2c")
    assert use(database, "0a1b2c")


def test_a_failed_use_leaves_it(database: Database):
    issue(database, "0a1b2c")

    def use_and_fail(uow: UnitOfWork) -> None:
        assert codes.use(uow, purpose=codes.EMAIL, address=ADDRESS, code="0a1b2c")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run_sync(use_and_fail)
    assert use(database, "0a1b2c")


def test_it_expires_and_is_swept(database: Database, monkeypatch: pytest.MonkeyPatch):
    issue(database, "0a1b2c")
    found = row(database)
    assert found is not None
    later = found.expires_at + 1
    monkeypatch.setattr(codes, "now_s", lambda: later)
    assert not use(database, "0a1b2c")
    issue(database, "111111", address="bea@example.com")
    assert row(database) is None


def test_only_its_hash_is_stored(database: Database):
    issue(database, "0a1b2c")
    found = row(database)
    assert found is not None and len(found.code_hash) == 64
    assert "0a1b2c" not in found.code_hash


def test_many_at_once_use_it_once(database: Database):
    issue(database, "0a1b2c")
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: use(database, "0a1b2c"), range(16)))
    assert outcomes.count(True) == 1


def test_many_wrong_guesses_at_once_are_all_counted(database: Database):
    issue(database, "0a1b2c")
    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(lambda n: use(database, f"{n:06d}"), range(codes.MAX_GUESSES)))
    assert not use(database, "0a1b2c")


def test_several_nodes_issue_for_one_address_at_once(database: Database):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: issue(database, f"{n:06d}"), range(16)))
    used = sum(use(database, f"{n:06d}") for n in range(4))
    assert used <= 1
    assert (row(database) is None) == (used == 1)  # one code is left, unless it was among those tried


@pytest.mark.parametrize("address", ["", "a\0@b.co", "x" * 60 + "@example.com", "\ud800@example.com"])
def test_addresses_that_can_have_none(database: Database, address: str):
    assert not use(database, "0a1b2c", address=address)
