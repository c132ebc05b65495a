"""Each recorded conversation, word for word, judged by the vendors' own types."""

import json
from typing import Any

import pytest

from oneapi_app.providers.base import Operation
from tests.providers import vendor_types
from tests.providers.golden import Case, answer_now, cases, sent_now, streamed

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_we_send(case: Case) -> None:
    assert sent_now(case) == case.content["upstream"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_callers_body_stays_as_it_was(case: Case) -> None:
    request = case.request()
    before = json.dumps(request.json)
    case.provider.build(request, case.route())
    assert json.dumps(request.json) == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_the_caller_gets(case: Case) -> None:
    for answer in case.answers:
        expected = {key: answer[key] for key in ("client", "failure", "usage") if key in answer}
        assert answer_now(case, answer) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_vendors_types_agree(case: Case) -> None:
    chat = case.request().operation is Operation.CHAT
    slug = case.path.parent.name
    if chat and slug == "anthropic":
        vendor_types.judge_anthropic(case.content["upstream"]["json"])
    elif chat and slug == "gemini":
        vendor_types.judge_google(case.content["upstream"]["json"])
    for answer in case.answers:
        _judge_answer(answer, chat=chat)


def _judge_answer(answer: dict[str, Any], *, chat: bool) -> None:
    given = answer["client"]
    if given is None:
        assert "failure" in answer
    elif not chat:
        vendor_types.judge_embeddings(given)
    elif streamed(answer):
        assert not given or given[-1] == "[DONE]"
        for event in given[:-1]:
            if "error" not in event:
                vendor_types.judge_chunk(event)
    else:
        vendor_types.judge_completion(given)
