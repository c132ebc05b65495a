"""What the channel pages compute: rows, the form's drafts, a channel's chart."""

import json

import msgspec
import pytest

from oneapi_app.channels.schemas import ChannelRow, ChannelState
from oneapi_app.console.i18n import catalogs
from oneapi_app.console.pages.channels.detail import DAY_S, DAYS, SERIES, draw_bars
from oneapi_app.console.pages.channels.form_state import ChannelForm, ChannelFormState, _with_legacy
from oneapi_app.console.pages.channels.views import config_inputs, offer_of, offers, view_of
from oneapi_app.errors import InvalidInput
from oneapi_app.providers.registry import provider_for, providers
from oneapi_app.usage_log.schemas import Usage, UsageGroup

AZURE, BEDROCK, CUSTOM, DEEPSEEK, OPENAI = 3, 33, 8, 36, 1


def row(**fields):
    everything = {
        "id": 7,
        "type": OPENAI,
        "key": "",
        "status": 1,
        "name": "n",
        "weight": None,
        "created_time": 0,
        "test_time": 0,
        "response_time": 0,
        "base_url": None,
        "other": None,
        "balance": 0.0,
        "balance_updated_time": 0,
        "models": "a,b",
        "group": "default,vip",
        "used_quota": 5,
        "model_mapping": None,
        "priority": None,
        "config": "",
        "system_prompt": None,
    }
    return msgspec.convert(everything | fields, ChannelRow)


@pytest.mark.parametrize(
    ("status", "resting", "state"),
    [
        (1, {}, "enabled"),
        (1, {7: 3.0}, "resting"),
        (2, {}, "manual"),
        (3, {7: 3.0}, "automatic"),
        (0, {}, "unknown"),
    ],
)
def test_a_rows_state(status, resting, state):
    view = view_of(row(status=status), ChannelState(7, "why", 9), resting)
    assert (view.state, view.reason, view.since) == (state, "why", 9)
    assert (view.groups, view.models, view.priority, view.weight) == (["default", "vip"], 2, 0, 0)
    assert f"channels.state_{state}" in catalogs()["en"]


def test_balances_are_in_the_vendors_currency_or_not_there():
    assert view_of(row(balance=3.5, balance_updated_time=1), None, {}).balance == "$3.50"
    assert view_of(row(balance=3.5), None, {}).balance == ""
    yuan = view_of(row(type=DEEPSEEK, balance=14.2, balance_updated_time=1), None, {})
    assert yuan.balance == "¥14.20"
    assert view_of(row(type=AZURE, balance_updated_time=1), None, {}).balance_at == -1


def test_every_type_on_offer_can_be_relayed_to_and_is_named_in_both_languages():
    for offer in offers():
        assert providers()[offer.id].endpoints
        assert offer.mark and offer.title["zh"] and offer.title["en"].isascii()
        key_text = f"channels.key_{offer.key_kind}"
        assert offer.key_kind == "unused" or key_text in catalogs()["zh"]


def test_every_config_field_has_a_label():
    for provider in providers().values():
        for wanted in provider.config_fields:
            assert f"channels.config_{wanted.name}" in catalogs()["zh"], provider.slug


def test_a_type_shows_only_what_it_needs():
    assert offer_of(provider_for(CUSTOM)).needs_base_url
    assert not offer_of(provider_for(OPENAI)).needs_base_url
    assert offer_of(provider_for(BEDROCK)).key_kind == "unused"
    (version,) = config_inputs(provider_for(AZURE), '{"api_version":"v"}', saved=True)
    assert (version.name, version.value, version.secret, version.kept) == ("api_version", "v", False, False)
    secret = {field.name: field for field in config_inputs(provider_for(BEDROCK), "{}", saved=True)}["sk"]
    assert (secret.value, secret.secret, secret.kept) == ("", True, True)


@pytest.fixture
def form():
    state = ChannelFormState()
    ChannelFormState.pick_type.fn(state, CUSTOM)
    state.groups = ["default"]
    return state


ENTERED = {"name": " n ", "base_url": "http://x/v1/", "key": " k\nl "}


def test_a_form_becomes_a_draft(form):
    form.chosen_models = ["a", "b"]
    ChannelFormState.add_renaming.fn(form)
    ChannelFormState.set_source.fn(form, 1, " a ")
    ChannelFormState.set_target.fn(form, 1, "c")
    draft = form._draft(ENTERED | {"priority": "5", "system_prompt": "Be brief."})
    assert (draft.name, draft.base_url, draft.key, draft.models) == ("n", "http://x/v1", "k\nl", "a,b")
    assert (draft.priority, draft.weight, draft.system_prompt) == (5, 0, "Be brief.")
    assert json.loads(draft.model_mapping) == {"a": "c"}
    assert draft.config == "{}"


@pytest.mark.parametrize(
    "missing", [{"name": ""}, {"base_url": " "}, {"priority": "x"}, {"groups": []}, {"chosen_models": []}]
)
def test_what_is_missing_is_said(form, missing):
    for name in ("groups", "chosen_models"):
        if name in missing:
            setattr(form, name, missing[name])
    entered = ENTERED | {name: text for name, text in missing.items() if isinstance(text, str)}
    with pytest.raises(InvalidInput):
        form._draft(entered)


def test_raw_mapping_and_table_are_the_same_thing(form):
    ChannelFormState.show_raw_mapping.fn(form, True)
    assert form.mapping_text == "{}"
    ChannelFormState.set_mapping_text.fn(form, '{"a": 1}')
    ChannelFormState.show_raw_mapping.fn(form, False)
    assert form.error["en"] and form.mapping_raw
    ChannelFormState.set_mapping_text.fn(form, '{"a": "b"}')
    ChannelFormState.show_raw_mapping.fn(form, False)
    assert not form.error and [(line.source, line.target) for line in form.renamings] == [("a", "b")]


def test_another_type_brings_its_models_unless_they_were_chosen(form):
    ChannelFormState.pick_type.fn(form, DEEPSEEK)
    assert form.chosen_models == list(provider_for(DEEPSEEK).models)
    form.chosen_models = ["mine"]
    ChannelFormState.pick_type.fn(form, OPENAI)
    assert form.chosen_models == ["mine"]


def test_names_of_ones_own_may_be_pasted_as_a_list(form):
    form.chosen_models = ["a"]
    ChannelFormState.search_models.fn(form, "x, y，a")
    ChannelFormState.add_typed_models.fn(form)
    assert form.chosen_models == ["a", "x", "y"]


def test_a_key_of_fields_is_what_the_original_stores():
    state = ChannelFormState()
    ChannelFormState.pick_type.fn(state, BEDROCK)
    state.groups, state.chosen_models = ["default"], ["m"]
    entered = {"name": "n", "config_region": "r", "config_ak": "a", "config_sk": "s"}
    draft = state._draft(entered)
    assert sorted(draft.key.split("|")) == ["a", "r", "s"]
    assert json.loads(draft.config) == {"region": "r", "ak": "a", "sk": "s"}
    state.form = ChannelForm(id=1, like=1)
    assert state._draft(entered | {"config_sk": ""}).key == ""


def test_what_older_versions_kept_elsewhere_is_shown_in_its_field():
    azure = provider_for(AZURE)
    assert json.loads(_with_legacy(azure, row(other="v1"))) == {"api_version": "v1"}
    assert json.loads(_with_legacy(azure, row(other="v1", config='{"api_version":"v2"}'))) == {
        "api_version": "v2"
    }
    assert _with_legacy(provider_for(OPENAI), row(other="v1", config="{}")) == "{}"


def test_bars_hold_the_dearest_models_and_the_rest_together():
    names = [f"m{n}" for n in range(SERIES + 2)]
    groups = [UsageGroup((DAY_S, name), Usage(quota=100 - n)) for n, name in enumerate(names)]
    bars, series = draw_bars(groups, 0)
    assert series == [*names[:SERIES], "…"]
    assert len(bars) == DAYS and bars[1]["m0"] == 100 and bars[1]["…"] == 94 + 93
    assert draw_bars([], 0) == ([], [])
