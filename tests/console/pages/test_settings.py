"""The settings pages: every option has its place, and ratio tables are compared and edited right."""

import pytest

from oneapi_app.billing.prices import built_in_model_ratios
from oneapi_app.console.i18n import catalogs
from oneapi_app.console.pages.settings.facts import write_size
from oneapi_app.console.pages.settings.price_state import PriceState, built_in_table, effective
from oneapi_app.console.pages.settings.sections import SECTIONS, Kind
from oneapi_app.console.pages.settings.state import SettingsState
from oneapi_app.options import OPTIONS

ELSEWHERE = {"ModelRatio", "CompletionRatio", "GroupRatio", "Theme"}


def test_every_option_stands_on_one_card():
    placed = [entry.option for section in SECTIONS.values() for entry in section.entries]
    assert len(placed) == len(set(placed))
    assert set(placed) | ELSEWHERE == set(OPTIONS)


def test_secrets_are_edited_as_secrets_and_only_they():
    for section in SECTIONS.values():
        for entry in section.entries:
            assert (entry.kind is Kind.WRITE_ONLY) == OPTIONS[entry.option].secret


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_card_and_field_has_its_words(language):
    texts = catalogs()[language]
    for section in SECTIONS.values():
        assert section.title in texts
        assert all(entry.label in texts for entry in section.entries)


def test_only_what_changed_is_saved_and_an_empty_secret_is_left_alone():
    state = SettingsState()
    state.values = {"SMTPServer": "a", "SMTPPort": "587", "SMTPAccount": "", "SMTPFrom": "x"}
    entered = {"SMTPServer": " a ", "SMTPPort": "465", "SMTPFrom": "", "SMTPToken": "", "Footer": "no"}
    assert state._changes(SECTIONS["mail"], entered) == {"SMTPPort": "465", "SMTPFrom": ""}
    assert state._changes(SECTIONS["mail"], {"SMTPToken": "s"}) == {"SMTPToken": "s"}


def test_domains_may_be_written_with_any_separator():
    state = SettingsState()
    entered = {"EmailDomainWhitelist": "a.com， b.com\nc.com,"}
    assert state._changes(SECTIONS["sign_in"], entered) == {"EmailDomainWhitelist": "a.com,b.com,c.com"}


@pytest.fixture
def models():
    state = PriceState()
    state._saved = effective("ModelRatio", '{"gpt-4o": 9, "own": 1, "openrouter/auto": -500000}')
    state._entries = dict(state._saved)
    state._draw()
    return state


def line(state, name):
    state.search = name
    state._draw()
    return next(row for row in state.rows if row.name == name)


def test_the_table_is_what_prices_are_looked_up_in(models):
    assert models.total == len(built_in_table("ModelRatio")) + 1
    assert models.differing == 2 and models.unsaved == 0
    assert (line(models, "gpt-4o").state, line(models, "gpt-4o").built_in) == ("changed", 2.5)
    assert (line(models, "own").state, line(models, "own").price) == ("added", "$2")
    assert "openrouter/auto" not in models._entries
    assert built_in_model_ratios()["openrouter/auto"] < 0


def test_changing_restoring_adding(models):
    PriceState.set_ratio.fn(models, "gpt-4", 1.25)
    PriceState.set_ratio.fn(models, "gpt-4", -1)
    PriceState.set_ratio.fn(models, "unheard of", 3)
    PriceState.add.fn(models, {"name": "new", "ratio": "0.5"})
    assert models.unsaved == 2 and models.rows[0].name == "new"
    PriceState.restore.fn(models, "own")
    PriceState.restore.fn(models, "gpt-4o")
    assert "own" not in models._entries and models._entries["gpt-4o"] == 2.5
    PriceState.discard.fn(models)
    assert models.unsaved == 0 and models._entries["gpt-4o"] == 9
    PriceState.restore_all.fn(models)
    assert models.differing == 0


@pytest.mark.parametrize("entered", [{}, {"name": "x"}, {"name": "x", "ratio": "-1"}, {"ratio": "1"}])
def test_a_line_needs_a_name_and_a_ratio(models, entered):
    PriceState.add.fn(models, entered)
    assert models.error and models.unsaved == 0


def test_json_that_cannot_be_read_stays_where_it_is(models):
    PriceState.show_raw.fn(models, "raw")
    PriceState.set_raw_text.fn(models, '{"a": "b"}')
    PriceState.show_raw.fn(models, "table")
    assert models.raw and models.error
    PriceState.set_raw_text.fn(models, '{"a": 4}')
    PriceState.show_raw.fn(models, "table")
    assert not models.raw and models._entries["a"] == 4 and models._entries["gpt-4o"] == 2.5


def test_groups_may_go_models_may_not():
    state = PriceState()
    state.table = "GroupRatio"
    state._saved = effective("GroupRatio", '{"default": 1, "old": 2}')
    state._entries = dict(state._saved)
    PriceState.remove.fn(state, "old")
    assert state._entries == {"default": 1} and state.unsaved == 1


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (2048, "2 KB"), (5 * 2**20, "5.0 MB"), (3 * 2**30, "3.0 GB"), (2**41, "2.0 TB")],
)
def test_sizes(size, text):
    assert write_size(size) == text
