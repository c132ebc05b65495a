"""Balances changed from all sides at once: callers spend, admins edit, codes are redeemed. No unit is lost or made."""

import asyncio
import re
from dataclasses import replace

import httpx
import pytest
from sqlmodel import Session, select

from oneapi_app.accounts import administration
from oneapi_app.accounts.schemas import AdminTopUp, UserPatch
from oneapi_app.actor import ADMIN, COMMON, ROOT, Actor
from oneapi_app.errors import InvalidInput
from oneapi_app.kit.database import Database, open_database
from oneapi_app.models import Log, Redemption, Token, User
from oneapi_app.models.log import CONSUME, MANAGE, TOP_UP
from oneapi_app.options import OptionValues
from oneapi_app.redemptions import service as redemptions
from oneapi_app.redemptions.schemas import RedemptionDraft
from oneapi_app.runtime import open_runtime
from oneapi_app.settings import Settings
from oneapi_app.tokens import service as tokens
from oneapi_app.tokens.schemas import TokenDraft
from tests.billing.seeds import charge, seed
from tests.support.gateway import running_gateway
from tests.support.vendor import openai_vendor

UNITS_SHOWN = {"DisplayInCurrencyEnabled": "false"}
PLENTY = 1_000_000
ADMINISTRATOR = Actor(99, "admin", ADMIN, "default")
OWNER = Actor(1, "user1", COMMON, "default")
_EDIT = re.compile(r"管理员将用户额度从 (\d+) 点额度修改为 (\d+) 点额度")


def given(rows: list[Log]) -> int:
    """What the log says admins gave and took."""
    edits = [_EDIT.match(row.content or "") for row in rows if row.type == MANAGE]
    top_ups = sum(row.quota or 0 for row in rows if row.type == TOP_UP)
    return top_ups + sum(int(edit[2]) - int(edit[1]) for edit in edits if edit)


def spent(rows: list[Log]) -> int:
    return sum(row.quota or 0 for row in rows if row.type == CONSUME)


def logged(database: Database) -> list[Log]:
    return database.read_sync(lambda uow: list(uow.log_session.exec(select(Log))))


async def test_admins_edit_while_the_user_spends(
    database: Database, database_settings: Settings, tmp_path
) -> None:
    seed(database, quota=PLENTY, remain=PLENTY)
    options = OptionValues(UNITS_SHOWN)
    settings = replace(database_settings, data_dir=str(tmp_path))
    draft = RedemptionDraft(name="code", quota=777, count=5)
    codes = database.run_sync(redemptions.create, ADMINISTRATOR, draft=draft)

    async with open_runtime(settings, database).running() as runtime:
        ledger = runtime.ledger
        await ledger.open_account(1, 1)

        async def spend(number: int) -> None:
            for step in range(20):
                held = ledger.reserve(1, 1, 9)
                await asyncio.sleep(0)
                await ledger.settle(held, charge(1 + (number + step) % 9))

        async def add(units: int) -> None:
            await database.run(
                administration.adjust_quota, ADMINISTRATOR, user_id=1, units=units, reason="", options=options
            )

        async def put(quota: int) -> None:
            patch = UserPatch(id=1, quota=quota)
            await database.run(administration.update_user, ADMINISTRATOR, patch=patch, options=options)

        async def pay(units: int) -> None:
            order = AdminTopUp(user_id=1, quota=units, remark="paid")
            await database.run(administration.top_up, ADMINISTRATOR, order=order, options=options)

        async def redeem(key: str) -> None:
            await database.run(redemptions.redeem, OWNER, key=key, options=options)

        async def refill(quota: int) -> None:
            edit = TokenDraft(name="token1", remain_quota=quota, expired_time=-1)
            await database.run(tokens.update, OWNER, token_id=1, draft=edit)

        await asyncio.gather(
            *(spend(number) for number in range(20)),
            *(add(units) for units in (1000, -300, 5, -7, 2000)),
            *(put(quota) for quota in (2_000_000, 1_500_000)),
            *(pay(units) for units in (11, 22, 33)),
            *(redeem(key) for key in codes),
            *(refill(quota) for quota in (500_000, 600_000)),
        )
        await ledger.flushed()
        user, token = database.read_sync(
            lambda uow: (uow.session.get_one(User, 1), uow.session.get_one(Token, 1))
        )
        assert ledger.user_balance(1) == user.quota
        assert ledger.token_balance(1) == token.remain_quota
    rows = logged(database)
    assert len([row for row in rows if row.type == MANAGE]) == 7
    assert spent(rows) == user.used_quota == token.used_quota > 0
    assert user.quota == PLENTY + given(rows) + 5 * 777 - spent(rows)


ROOT_TOKEN = "r" * 32
REDEEMERS, CALLS, EDITS = 50, 60, 12


def test_fifty_connections_one_code_and_a_gateway_at_work(blank_settings: Settings, tmp_path) -> None:
    """A real process: one code from fifty connections, calls of its redeemers, edits by root, all together."""
    environment = {"INITIAL_ROOT_PASSWORD": "long enough", "INITIAL_ROOT_ACCESS_TOKEN": ROOT_TOKEN}
    with openai_vendor() as vendor, running_gateway(tmp_path, blank_settings, **environment) as address:
        asyncio.run(everything_at_once(address, vendor, blank_settings))
    database = open_database(blank_settings)
    try:
        rows = logged(database)
        with Session(database.engine) as session:
            people = session.exec(select(User).where(User.role != ROOT)).all()
            code = session.exec(select(Redemption)).one()
            keys = session.exec(select(Token).where(Token.name == "calls")).all()
        assert code.status == 3
        assert len([row for row in rows if "通过兑换码充值" in (row.content or "")]) == 1
        assert len([row for row in rows if row.type == CONSUME]) == CALLS
        total = sum(person.quota or 0 for person in people)
        assert total == len(people) * PLENTY + 5000 + given(rows) - spent(rows)
        assert given(rows) == EDITS * 10
        assert spent(rows) == sum(person.used_quota or 0 for person in people)
        assert spent(rows) == sum(PLENTY - (key.remain_quota or 0) for key in keys) > 0
    finally:
        database.close_sync()


async def everything_at_once(address: str, vendor: str, settings: Settings) -> None:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=120) as client:
        root = {"authorization": ROOT_TOKEN}

        async def call(method: str, path: str, who: dict[str, str], body: object = None):
            answer = await client.request(method, path, headers=who, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

        channel = {"type": 1, "name": "c", "key": "k", "base_url": vendor, "models": "gpt-4o-mini"}
        assert (await call("POST", "/api/channel/", root, channel))["success"]
        option = {"key": "DisplayInCurrencyEnabled", "value": "false"}
        assert (await call("PUT", "/api/option/", root, option))["success"]
        code = {"name": "one", "quota": 5000, "count": 1}
        (key,) = (await call("POST", "/api/redemption/", root, code))["data"]
        people, callers = [], []
        for number in range(5):
            draft = {"username": f"user{number}", "password": "password-1"}
            assert (await call("POST", "/api/user/", root, draft))["success"]
            user_id = (await call("GET", f"/api/user/search?keyword=user{number}", root))["data"][0]["id"]
            await call("PUT", "/api/user/", root, {"id": user_id, "quota": PLENTY})
            login = await client.post("/api/user/login", json=draft)
            people.append({"cookie": f"session={login.cookies['session']}"})
            client.cookies.clear()
            edit = {"name": "calls", "remain_quota": PLENTY, "expired_time": -1}
            made = (await call("POST", "/api/token/", people[-1], edit))["data"]
            callers.append({"authorization": f"Bearer sk-{made['key']}"})
        before = open_database(settings)
        try:
            before.run_sync(lambda uow: [uow.session.delete(row) for row in uow.session.exec(select(Log))])
        finally:
            before.close_sync()

        chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
        answers = await asyncio.gather(
            *(call("POST", "/api/user/topup", people[n % 5], {"key": key}) for n in range(REDEEMERS)),
            *(call("POST", "/v1/chat/completions", callers[n % 5], chat) for n in range(CALLS)),
            *(call("POST", "/api/topup", root, {"user_id": 2 + n % 5, "quota": 10}) for n in range(EDITS)),
        )
        redeemed = [answer for answer in answers[:REDEEMERS] if answer["success"]]
        assert [answer["data"] for answer in redeemed] == [5000]
        assert all(answer["choices"] for answer in answers[REDEEMERS : REDEEMERS + CALLS])
        assert all(answer["success"] for answer in answers[REDEEMERS + CALLS :])


@pytest.mark.parametrize("units", [2**62, 2**63, -1])
def test_a_top_up_that_no_column_holds_is_refused(database: Database, units: int) -> None:
    seed(database, quota=5)
    order = AdminTopUp(user_id=1, quota=units)
    options = OptionValues({})
    with pytest.raises(InvalidInput):
        database.run_sync(administration.top_up, ADMINISTRATOR, order=order, options=options)
    assert database.read_sync(lambda uow: uow.session.get_one(User, 1).quota) == 5
