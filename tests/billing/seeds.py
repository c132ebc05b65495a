"""Users, tokens, channels and charges for ledger tests, and the sums the books must agree on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from oneapi_app.billing.charge import Charge, ChargeHead
from oneapi_app.kit.database import Database, UnitOfWork
from oneapi_app.models import Channel, LedgerCursor, Log, LogDetail, Token, UsageHour, User


def seed(
    database: Database,
    *,
    quota: int = 1_000_000,
    remain: int = 1_000_000,
    unlimited: bool = False,
    count: int = 1,
) -> None:
    """``count`` users, tokens and channels with ids from 1."""

    def work(uow: UnitOfWork) -> None:
        for number in range(1, count + 1):
            uow.session.add(
                User(
                    id=number,
                    username=f"user{number}",
                    quota=quota,
                    access_token=f"a{number}",
                    aff_code=f"f{number}",
                )
            )
            uow.session.add(
                Token(
                    id=number,
                    user_id=number,
                    key=f"key{number}",
                    name=f"token{number}",
                    remain_quota=remain,
                    unlimited_quota=unlimited,
                )
            )
            uow.session.add(Channel(id=number, type=1, key="k"))

    database.run_sync(work)


_number = 0


def charge(units: int, account: int = 1, **changes: Any) -> Charge:
    global _number
    _number += 1
    head: dict[str, Any] = {
        "user_id": account,
        "username": f"user{account}",
        "token_id": account,
        "token_name": f"token{account}",
        "channel_id": account,
        "model_name": "gpt-4o-mini",
        "content": "倍率：0.07 × 1.00 × 4.00",
        "system_prompt_reset": False,
        "usual_detail": ('{"count_source":"provider","ms":', "}"),
    }
    facts: dict[str, Any] = {
        "quota_units": units,
        "prompt_tokens": 12,
        "completion_tokens": 7,
        "cached_tokens": 2,
        "is_stream": False,
        "elapsed_ms": 100,
        "first_token_ms": 0,
        "request_id": f"r{time.time_ns()}-{_number}",
        "created_at": 1_764_000_000,
        "write_log": True,
        "attempt_ms": 44,
        "detail": None,
    }
    of_head = {name: changes.pop(name) for name in head if name in changes}
    return Charge(ChargeHead(**head | of_head), **facts | changes)


@dataclass(frozen=True)
class Books:
    """Every place where consumption is written down, and what is left."""

    logged: int
    rows: int
    details: int
    user_used: int
    requests: int
    token_used: int
    channel_used: int
    hours: int
    hour_requests: int
    user_quota: int
    token_remain: int
    cursors: int

    @property
    def consumed(self) -> int:
        """The one sum; fails where the books disagree."""
        sums = {self.logged, self.user_used, self.token_used, self.channel_used, self.hours}
        assert len(sums) == 1, self
        assert self.rows == self.details == self.requests == self.hour_requests, self
        return sums.pop()


def books(database: Database) -> Books:
    def work(uow: UnitOfWork) -> Books:
        def total(column: Any, session: Any = uow.session) -> int:
            return int(session.execute(select(func.coalesce(func.sum(column), 0))).scalar_one())

        def rows(table: Any, session: Any = uow.session) -> int:
            return session.execute(select(func.count()).select_from(table)).scalar_one()

        log = uow.log_session
        return Books(
            total(Log.quota, log),
            rows(Log, log),
            rows(LogDetail, log),
            total(User.used_quota),
            total(User.request_count),
            total(Token.used_quota),
            total(Channel.used_quota),
            total(UsageHour.quota, log),
            total(UsageHour.requests, log),
            total(User.quota),
            total(Token.remain_quota),
            rows(LedgerCursor),
        )

    return database.read_sync(work)


@contextmanager
def accounts_locked(database: Database) -> Iterator[None]:
    """By another program's transaction: they can be read and not be written."""
    with database.engine.begin() as connection:
        # SQLite has no such clause, and needs none: whoever begins to write there locks all of it.
        connection.execute(select(User.id).with_for_update())
        yield
