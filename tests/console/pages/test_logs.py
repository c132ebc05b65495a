"""A log row opened: where its cost comes from."""

import pytest

from oneapi_app.console.pages.logs.views import detail_of, view_of
from oneapi_app.usage_log.schemas import LogDetails, LogEntry, LogRow


def entry(**changes):
    fields = {
        "id": 1,
        "user_id": 2,
        "created_at": 3,
        "type": 2,
        "content": "倍率：0.07 × 1.00 × 4.00",
        "username": "amy",
    }
    fields |= {
        "token_name": "t",
        "model_name": "gpt-4o-mini",
        "quota": 3,
        "prompt_tokens": 12,
        "completion_tokens": 7,
    }
    fields |= {
        "channel": 4,
        "request_id": "r",
        "elapsed_time": 1100,
        "is_stream": True,
        "system_prompt_reset": False,
    }
    cached = changes.pop("cached", 0)
    return LogEntry(LogRow(**fields | changes), cached, 100)


PRICES = {"prices": {"model": 0.075, "group": 1, "completion": 4}}


def test_the_formula_of_a_cost():
    opened = detail_of(
        LogDetails(entry(), {**PRICES, "count_source": "provider", "ending": "complete"}), {4: "main"}
    )
    assert opened.formula == "(12 + 7 × 4) × 0.075 × 1 = 3"
    assert opened.ratios == "0.075 × 1 × 4"
    assert (opened.count_source, opened.ending, opened.tokens_per_second) == ("provider", "complete", 7.0)
    assert opened.row.channel_name == "main"


def test_cached_tokens_have_the_vendors_price_so_no_formula_is_claimed():
    assert detail_of(LogDetails(entry(cached=5), PRICES), {}).formula == ""


def test_attempts_name_their_channels():
    notes = [
        {"channel": 9, "status": 429, "duration_ms": 20, "kind": "rate_limit"},
        {"channel": 4, "status": 200},
    ]
    opened = detail_of(LogDetails(entry(), {"attempts": notes}), {4: "main"})
    assert [(a.channel, a.status, a.kind) for a in opened.attempts] == [
        ("#9", 429, "rate_limit"),
        ("#4 main", 200, ""),
    ]


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"prices": 3},
        {"attempts": "x"},
        {"attempts": [None, 5, {}]},
        {"count_source": ["a"]},
        {"uncollected_units": "x"},
    ],
)
def test_details_of_any_shape_are_shown(detail):
    detail_of(LogDetails(entry(), detail), {})


def test_only_what_is_no_consumption_shows_its_text():
    assert view_of(entry(), {}).said == ""
    assert view_of(entry(type=1, content="订单 42"), {}).said == "订单 42"
    assert view_of(entry(type=0), {}).kind == "other"
