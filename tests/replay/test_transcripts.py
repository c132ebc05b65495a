"""Every recorded call of the original, answered by a real server of ours on a fresh database."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from oneapi_app.settings import Settings
from tests.replay.differences import DELIBERATE
from tests.replay.player import Player
from tests.replay.vendor import vendor_app
from tests.support.gateway import running_gateway

AREAS = (
    "channels",
    "logs",
    "options",
    "public",
    "redemptions",
    "register_login",
    "relay_errors",
    "relay_success",
    "tokens",
    "user_self",
    "users_admin",
)


@pytest.fixture(scope="module")
def transcripts(shared_dir: Path) -> Path:
    return shared_dir / "oneapi" / "transcripts"


@pytest.fixture(scope="module")
def vendor(transcripts: Path) -> Iterator[str]:
    answers = json.loads((transcripts / "upstream.json").read_text(encoding="utf-8"))
    server = uvicorn.Server(uvicorn.Config(vendor_app(answers), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        threading.Event().wait(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)


@pytest.mark.parametrize("area", AREAS)
def test_area(area: str, transcripts: Path, vendor: str, database_settings: Settings, tmp_path: Path) -> None:
    recorded = json.loads((transcripts / f"{area}.json").read_text(encoding="utf-8"))
    listed = {step for listed_area, step in DELIBERATE if listed_area == area}
    with running_gateway(tmp_path, database_settings, **recorded.get("env", {})) as base_url:
        outcomes = Player(base_url, vendor).play(recorded["steps"], listed)
    unexpected = [
        f"{outcome.name}: {'; '.join(outcome.problems)}"
        for outcome in outcomes
        if outcome.problems and outcome.name not in listed
    ]
    assert not unexpected, f"{len(unexpected)} of {len(outcomes)} steps differ:\n" + "\n".join(unexpected)
    differing = {outcome.name for outcome in outcomes if outcome.problems}
    assert listed <= differing, f"no longer different, take them off the list: {sorted(listed - differing)}"
