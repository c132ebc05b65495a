"""Charges to the unit: the worked examples of the contract, and the bills the original wrote."""

import json

import pytest

from oneapi_app.billing import policy
from oneapi_app.billing.images import IMAGE_RULES
from oneapi_app.billing.prices import Price, PriceTable
from oneapi_app.options import OptionValues

TABLE = PriceTable.from_options(OptionValues({}))


def price(model: str, group: str = "default") -> Price:
    return TABLE.price(model, 1, group)


def test_worked_examples():
    assert policy.text_units(price("gpt-4o"), 1000, 500) == 7500
    assert policy.text_units(price("gpt-3.5-turbo"), 8, 2) == 4
    assert policy.estimate_text(price("gpt-4").ratio, 10, 100, 500) == 9150
    weight = IMAGE_RULES.cost_ratio("dall-e-3", "1024x1792", "hd")
    assert policy.image_units(price("dall-e-3"), weight, 1) == 60000
    assert policy.speech_units(price("tts-1"), 11) == 82
    assert policy.text_units(price("unknown"), 100, 100) == 6000
    assert policy.text_units(price("glm-4-flash"), 1000, 1000) == 0


@pytest.mark.needs_shared
def test_recorded_bills(shared_dir):
    """Every consume row the original wrote in the transcripts, recomputed from its tokens."""
    checked = 0
    for area in ("relay_success", "logs", "relay_errors"):
        steps = json.loads((shared_dir / f"oneapi/transcripts/{area}.json").read_text("utf-8"))["steps"]
        for step in steps:
            rows = step["response"].get("json", {}) or {}
            rows = rows.get("data") if isinstance(rows, dict) else None
            for row in rows if isinstance(rows, list) else ():
                if row.get("type") != 2 or "model_name" not in row:
                    continue
                paid = price(row["model_name"])
                if row["content"].count("×") == 1:
                    assert policy.media_log(paid) == row["content"]
                    continue
                assert policy.text_log(paid) == row["content"]
                assert policy.text_units(paid, row["prompt_tokens"], row["completion_tokens"]) == row["quota"]
                checked += 1
    assert checked > 40


def test_edges():
    dear, free = Price(0.0001, 1, 1), Price(0, 1, 1)
    assert policy.text_units(dear, 1, 0) == 1, "never less than one where there is a price"
    assert policy.text_units(dear, 0, 0) == 0, "nothing delivered, nothing owed"
    assert policy.text_units(free, 10_000, 10_000) == 0
    assert policy.estimate_text(dear.ratio, 1, None, 0) == 1
    assert policy.estimate_text(free.ratio, 1, 1000, 500) == 0
    assert policy.text_units(price("text-embedding-3-small"), 5, 0) == 1
    assert policy.transcription_units(price("whisper-1"), 10) == 150


def test_cached_tokens_of_dialects_that_count_them_apart():
    sonnet = price("claude-3-5-sonnet-latest")
    weights = policy.cache_weights("anthropic")
    units = policy.text_units(
        sonnet, 100, 10, cache_read_tokens=1000, cache_write_tokens=200, weights=weights
    )
    assert units == (100 + 100 + 250 + 50) * 1.5
    assert policy.text_units(sonnet, 1300, 10) == policy.text_units(
        sonnet,
        100,
        10,
        cache_read_tokens=1000,
        cache_write_tokens=200,
        weights=policy.cache_weights("openai"),
    )


def test_large_numbers_stay_whole():
    assert policy.text_units(Price(30, 1, 1), 10**9, 10**9) == 60 * 10**9
    assert isinstance(policy.image_units(Price(20, 1, 1), 2.0, 3), int)


def test_image_rules():
    rules = IMAGE_RULES
    assert rules.knows_size("dall-e-3", "1024x1792")
    assert not rules.knows_size("dall-e-3", "512x512")
    assert rules.knows_size("cogview-3", "7x7")
    assert rules.knows_size("made-up", "7x7")
    assert rules.allows_count("dall-e-2", 10)
    assert not rules.allows_count("dall-e-3", 2)
    assert not rules.allows_count("dall-e-2", 0)
    assert not rules.allows_count("made-up", -1), "a negative count would pay the client"
    assert rules.longest_prompt("dall-e-2") == 1000
    assert rules.longest_prompt("made-up") == float("inf")
    assert rules.cost_ratio("dall-e-2", "512x512", "") == 1.125
    assert rules.cost_ratio("dall-e-3", "1024x1024", "hd") == 2
    assert rules.cost_ratio("dall-e-2", "1024x1024", "hd") == 1.25
    assert rules.cost_ratio("made-up", "7x7", "hd") == 1


def test_amounts_for_people():
    assert policy.quota_text(1_000_000, in_currency=True, units_per_currency=500_000) == "＄2.000000 额度"
    assert policy.quota_text(-7, in_currency=True, units_per_currency=500_000) == "＄-0.000014 额度"
    assert policy.quota_text(12, in_currency=False, units_per_currency=500_000) == "12 点额度"
