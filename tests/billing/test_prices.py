"""Prices equal to the original's, entry by entry and rule by rule."""

import json

import pytest

from oneapi_app.billing.prices import (
    PriceTable,
    built_in_completion_ratios,
    built_in_model_ratios,
    table_text,
)
from oneapi_app.options import OptionValues

DEFAULTS = PriceTable.from_options(OptionValues({}))


def model_ratio(table: PriceTable, model: str, channel_type: int = 1) -> float:
    return table.price(model, channel_type, "default").model_ratio


def completion_ratio(table: PriceTable, model: str, channel_type: int = 1) -> float:
    return table.price(model, channel_type, "default").completion_ratio


@pytest.fixture(scope="module")
def recorded(shared_dir):
    return json.loads((shared_dir / "oneapi/model_ratios.json").read_text(encoding="utf-8"))


@pytest.mark.needs_shared
def test_all_566_ratios(recorded):
    assert len(recorded["model_ratio"]) == 566
    for name, ratio in recorded["model_ratio"].items():
        bare, _, suffix = name.partition("(")
        channel_type = int(suffix.rstrip(")")) if suffix else 1
        if ratio >= 0:
            assert model_ratio(DEFAULTS, bare, channel_type) == ratio, name


@pytest.mark.needs_shared
def test_the_recorded_fallbacks(recorded):
    lookup = recorded["completion_ratio_lookup"]
    for name, ratio in (recorded["completion_ratio"] | lookup["exact_fallback"]).items():
        bare, _, suffix = name.partition("(")
        assert completion_ratio(DEFAULTS, bare, int(suffix.rstrip(")")) if suffix else 1) == ratio, name


@pytest.mark.needs_shared
def test_tables_read_as_the_original_lists_them(shared_dir):
    steps = json.loads((shared_dir / "oneapi/transcripts/options.json").read_text(encoding="utf-8"))["steps"]
    listed = next(step for step in steps if step["name"] == "all")["response"]["json"]["data"]
    values = {row["key"]: row["value"] for row in listed}
    assert values["ModelRatio"] == table_text(built_in_model_ratios())
    assert values["CompletionRatio"] == table_text(built_in_completion_ratios())


@pytest.mark.parametrize(
    ("model", "ratio"),
    [
        ("gpt-3.5-turbo", 3),
        ("gpt-3.5-turbo-0125", 3),
        ("gpt-3.5-turbo-1106", 2),
        ("gpt-3.5-turbo-16k", 4 / 3),
        ("gpt-4", 2),
        ("gpt-4-32k-0613", 2),
        ("gpt-4-turbo-2024-04-09", 3),
        ("gpt-4-vision-preview", 3),
        ("gpt-4o-2024-05-13", 3),
        ("gpt-4o", 4),
        ("gpt-4o-mini-2024-07-18", 4),
        ("o1-preview", 4),
        ("o3-mini", 1),
        ("chatgpt-4o-latest", 3),
        ("claude-3-5-sonnet-latest", 5),
        ("claude-2.1", 3),
        ("mistral-large-latest", 3),
        ("gemini-1.5-pro", 3),
        ("deepseek-chat", 2),
        ("deepseek-reasoner", 3.981818181818182),
        ("deepseek-coder", 2),
        ("whisper-1", 0),
        ("openai/gpt-4o", 1),
        ("nobody-knows", 1),
    ],
)
def test_completion_patterns(model, ratio):
    assert completion_ratio(DEFAULTS, model) == ratio


def test_a_price_for_the_channel_type_wins_over_the_bare_name():
    assert completion_ratio(DEFAULTS, "llama3-70b-8192", 33) == 1.320754716981132
    assert completion_ratio(DEFAULTS, "llama3-70b-8192", 29) == 1.3389830508474576
    table = PriceTable({"m(3)": 7, "m": 2, "gpt-4o(3)": 9}, {"m(3)": 5}, {})
    assert (model_ratio(table, "m", 3), model_ratio(table, "m", 1)) == (7, 2)
    assert (completion_ratio(table, "m", 3), completion_ratio(table, "m", 1)) == (5, 1)
    assert (model_ratio(table, "gpt-4o", 3), model_ratio(table, "gpt-4o", 1)) == (9, 2.5)


def test_built_in_typed_price_wins_over_a_configured_bare_one():
    table = PriceTable({"llama3-8b-8192": 99}, {}, {})
    assert model_ratio(table, "llama3-8b-8192", 33) == built_in_model_ratios()["llama3-8b-8192(33)"]
    assert model_ratio(table, "llama3-8b-8192", 29) == 99


def test_online_search_names():
    assert model_ratio(DEFAULTS, "qwen-plus-internet") == model_ratio(DEFAULTS, "qwen-plus")
    assert model_ratio(DEFAULTS, "command-r-internet") == model_ratio(DEFAULTS, "command-r")
    assert model_ratio(DEFAULTS, "gpt-4o-internet") == 30
    assert completion_ratio(DEFAULTS, "command-r-internet") == 1, "as the original: stripped for qwen- only"


def test_unknown_models_cost_30_and_say_so():
    price = DEFAULTS.price("brand-new", 1, "default")
    assert (price.model_ratio, price.known) == (30, False)
    assert not DEFAULTS.knows("brand-new", 1)
    assert DEFAULTS.knows("gpt-4o", 1)


def test_the_negative_entry_of_the_original_counts_as_no_price():
    assert built_in_model_ratios()["openrouter/auto"] < 0
    assert model_ratio(DEFAULTS, "openrouter/auto") == 30


def test_a_table_saved_by_the_original_is_readable_although_it_holds_that_entry():
    stored = dict(built_in_model_ratios()) | {"gpt-4o": 3}
    options = OptionValues({"ModelRatio": json.dumps(stored)})
    assert options.unreadable == {}
    assert model_ratio(PriceTable.from_options(options), "gpt-4o") == 3


def test_groups():
    table = PriceTable({}, {}, {"default": 1, "team": 0.5})
    assert table.price("gpt-4o", 1, "team").ratio == 1.25
    assert table.price("gpt-4o", 1, "unheard-of").group_ratio == 1
