"""The picture in the README: the dashboard after a busy week. ``make pictures`` puts it there."""

import asyncio
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from oneapi_app.billing import policy
from oneapi_app.billing.ledger import Ledger
from oneapi_app.billing.prices import PriceTable
from oneapi_app.bootstrap import prepare
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import Database, UnitOfWork, open_database
from oneapi_app.models import Channel, ChannelState, Token, User
from oneapi_app.options import OptionValues
from oneapi_app.settings import default_settings
from tests.billing.seeds import charge
from tests.e2e.conftest import PROJECT, start_site, stop_site

pytestmark = pytest.mark.needs_browser

PASSWORD = "Root-2026!"
PICTURE = "dashboard.png"
DAYS, CALLS_A_DAY = 14, 60
CHANNELS = ("OpenAI", "Azure Europe", "Anthropic", "DeepSeek", "Reseller")
MODELS = (("gpt-4o", 1), ("claude-3-5-sonnet-20241022", 3), ("deepseek-chat", 4), ("gpt-4o-mini", 2))
TOKENS = ("my-app", "blog", "a-friend")


def seed(database: Database) -> None:
    """Channels in good and bad health, three tokens, and a balance people can imagine."""

    def work(uow: UnitOfWork) -> None:
        root = uow.session.get(User, 1)
        assert root is not None
        root.quota = 60_000_000
        for number, name in enumerate(CHANNELS, 1):
            models = ",".join(model for model, channel in MODELS if channel == number) or "gpt-4o"
            status = 3 if name == "Reseller" else 1
            uow.session.add(
                Channel(id=number, type=1, name=name, key="k", models=models, group="default", status=status,
                        test_time=now_s(), response_time=300 + 90 * number)
            )  # fmt: skip
            if status != 1:
                uow.session.add(
                    ChannelState(channel_id=number, status_reason="invalid api key", status_since=now_s())
                )
        for number, name in enumerate(TOKENS, 1):
            uow.session.add(
                Token(id=number, user_id=1, key=f"picture{number}".ljust(48, "0"), name=name,
                      created_time=now_s(), accessed_time=now_s(), unlimited_quota=True)
            )  # fmt: skip

    database.run_sync(work)


async def settle_two_weeks(database: Database, journal: Path) -> None:
    """As if the calls had been relayed: through the ledger, more of them as time goes on and in the afternoons."""
    prices = PriceTable.from_options(OptionValues({}))
    ledger = Ledger(database, journal, batch_ms=20, fsync=False)
    await ledger.start()
    for day in range(DAYS):
        for call in range(CALLS_A_DAY * (day + 6) // DAYS):
            model, channel = MODELS[(call + call // 4 + day) % len(MODELS)]
            token = (call + day) % len(TOKENS) + 1
            prompt, completion = 400 + 37 * (call % 29), 150 + 23 * ((call + day) % 17)
            await ledger.open_account(1, token)
            hour = 9 + 6 * (1 + math.sin(call))
            await ledger.settle(
                ledger.reserve(1, token, 0),
                charge(
                    policy.text_units(prices.price(model, 1, "default"), prompt, completion),
                    username="root",
                    token_id=token,
                    token_name=TOKENS[token - 1],
                    channel_id=channel,
                    model_name=model,
                    prompt_tokens=prompt,
                    completion_tokens=completion,
                    elapsed_ms=900 + 40 * (call % 31),
                    created_at=now_s() - (DAYS - 1 - day) * 86_400 - int((24 - hour) * 600),
                    user_id=1,
                ),
            )
    await ledger.stop()


async def test_the_week_is_counted(database: Database, tmp_path: Path) -> None:
    """What the picture shows comes from the same books as everything else."""
    prepare(database, default_settings(initial_root_password=PASSWORD))
    seed(database)
    await settle_two_weeks(database, tmp_path / "ledger")
    root = database.read_sync(lambda uow: uow.session.get(User, 1))
    assert root.used_quota == 60_000_000 - root.quota > 0


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("picture")
    settings = default_settings(sqlite_path=str(directory / "one-api.db"), initial_root_password=PASSWORD)
    database = open_database(settings)
    prepare(database, settings)
    seed(database)
    asyncio.run(settle_two_weeks(database, settings.journal_dir))
    database.close_sync()
    site = start_site(directory)
    yield site
    stop_site(site)


def test_the_dashboard_after_a_busy_week(week: Any, open_page: Callable[..., Any], tmp_path: Path) -> None:
    with httpx.Client(base_url=week.address) as client:
        signed_in = client.post("/api/user/login", json={"username": "root", "password": PASSWORD})
        assert signed_in.json()["success"]
        cookie = client.cookies["session"]
    page = open_page(f"{week.address}/about", color_scheme="light")
    page.context.add_cookies([{"name": "session", "value": cookie, "url": week.address}])
    page.goto(f"{week.address}/dashboard")
    for name in (*CHANNELS, *(model for model, _ in MODELS)):
        page.get_by_text(name).first.wait_for()
    page.wait_for_timeout(1_500)  # the bars grow
    directory = PROJECT / "docs" / "images" if os.environ.get("ONEAPI_PICTURES") else tmp_path
    page.screenshot(path=str(directory / PICTURE))
    assert (directory / PICTURE).stat().st_size > 30_000
