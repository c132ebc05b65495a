"""The two billing figures old clients show (contract §8.9), by token or by owner, in currency or in units."""

import httpx
import pytest

from oneapi_app.actor import ROOT
from oneapi_app.kit.database import Database
from oneapi_app.models import Token, User
from oneapi_app.settings import Settings
from tests.support.management import management_api
from tests.support.people import add_user

TOKEN, UNLIMITED = "a" * 48, "b" * 48
EXPIRY = 4_000_000_000


def fill(uow) -> None:
    amy = User(username="amy", quota=3_000_000, used_quota=500_000, aff_code="amy", access_token="amy")
    uow.session.add(amy)
    uow.session.flush()
    limited = Token(
        user_id=amy.id, key=TOKEN, name="t", remain_quota=1_000_000, used_quota=250_000, expired_time=EXPIRY
    )
    unlimited = Token(user_id=amy.id, key=UNLIMITED, name="u", remain_quota=-1, unlimited_quota=True)
    uow.session.add_all([limited, unlimited])


@pytest.mark.parametrize(
    ("token", "by_token", "currency", "amount", "used", "until"),
    [
        (TOKEN, "true", "true", 2.5, 50, EXPIRY),
        (TOKEN, "true", "false", 1_250_000, 25_000_000, EXPIRY),
        (TOKEN, "false", "true", 7, 100, 0),
        (TOKEN, "false", "false", 3_500_000, 50_000_000, 0),
        (UNLIMITED, "true", "true", 100_000_000, 0, 0),
        (UNLIMITED, "false", "true", 7, 100, 0),
    ],
)
async def test_figures(
    database: Database,
    database_settings: Settings,
    tmp_path,
    token: str,
    by_token: str,
    currency: str,
    amount: float,
    used: float,
    until: int,
) -> None:
    database.run_sync(fill)
    add_user(database, "root", role=ROOT)
    async with management_api(database, database_settings, tmp_path) as api:
        options = {"DisplayTokenStatEnabled": by_token, "DisplayInCurrencyEnabled": currency}
        for key, value in options.items():
            answer = await api.as_("root").put("/api/option/", json={"key": key, "value": value})
            assert answer.json()["success"]
        relay = httpx.ASGITransport(api.runtime.relay)
        headers = {"authorization": f"Bearer sk-{token}"}
        async with httpx.AsyncClient(
            transport=relay, base_url="http://gateway.test", headers=headers
        ) as client:
            for prefix in ("", "/v1"):
                found = await client.get(f"{prefix}/dashboard/billing/subscription")
                assert found.json() == {
                    "object": "billing_subscription",
                    "has_payment_method": True,
                    "soft_limit_usd": amount,
                    "hard_limit_usd": amount,
                    "system_hard_limit_usd": amount,
                    "access_until": until,
                }
                span = "start_date=2026-01-01&end_date=2026-02-01"
                usage = await client.get(f"{prefix}/dashboard/billing/usage?{span}")
                assert usage.json() == {"object": "list", "total_usage": used}
                assert usage.headers["x-oneapi-request-id"]
            refused = await client.get("/dashboard/billing/usage", headers={"authorization": "Bearer sk-x"})
            assert refused.status_code == 401
