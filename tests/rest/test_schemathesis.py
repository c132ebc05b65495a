"""schemathesis calls every route with what the description allows, and with what it does not.

As nobody, as a user and as root: no answer is a 5xx, and each is one the description names, in status, content type
and body. Seeded, so that what fails fails again.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from oneapi_app.models import User
from tests.support.site import NUMBER, PEOPLE, Site, access_token, open_site

SEED = 2024
EXAMPLES = 8
"""For each route and caller, within the description and against it."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
NOWHERE = "http://127.0.0.1:9"
"""Where vendors are looked for, so that nothing made up here reaches a real one."""


@dataclass
class Bench:
    """A site on an event loop that stands still between calls, for tests that are not coroutines."""

    runner: asyncio.Runner
    site: Site

    def document(self) -> dict[str, Any]:
        return self.site.api.openapi()

    def call(self, case: schemathesis.Case, who: str) -> Any:
        self.site.database.run_sync(_restore)
        asked = requests.Request(**case.as_transport_kwargs(base_url="http://site.test")).prepare()
        headers = {name: value for name, value in asked.headers.items() if name.lower() != "authorization"}
        request = self.site.client(who).request(
            asked.method or "", asked.url or "", headers=headers, content=asked.body
        )
        return self.runner.run(request)


def _restore(uow) -> None:
    """What a call may have done to the people who call."""
    for name in ("user", "root"):
        user = uow.session.get(User, NUMBER[name])
        user.username, (user.role, user.status) = name, PEOPLE[name]
        user.access_token = access_token(name)


@pytest.fixture(scope="module")
def bench(databases, tmp_path_factory) -> Iterator[Bench]:
    with databases.fresh() as settings, asyncio.Runner() as runner:
        opened = open_site(settings, tmp_path_factory.mktemp("journal"), relay_proxy=NOWHERE)
        site = runner.run(opened.__aenter__())
        yield Bench(runner, site)
        runner.run(opened.__aexit__(None, None, None))


@pytest.mark.parametrize("who", ["", "user", "root"])
def test_every_route_keeps_to_its_description(bench, who):
    schema = schemathesis.openapi.from_dict(bench.document())
    called = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        either = st.one_of(
            operation.as_strategy(GenerationMode.POSITIVE), operation.as_strategy(GenerationMode.NEGATIVE)
        )

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @hypothesis.given(case=either)
        def keeps(case):
            case.validate_response(bench.call(case, who), checks=CHECKS)

        keeps()
        called += 1
    assert called > 50
