"""Amounts people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneapi_app.console.amounts import MAX_UNITS, explain_amount, read_amount, write_amount
from oneapi_app.errors import InvalidInput
from oneapi_app.options import OptionValues

MONEY = OptionValues({})
UNITS = OptionValues({"DisplayInCurrencyEnabled": "false"})


@pytest.mark.parametrize(
    ("text", "units"),
    [("1", 500_000), ("$1,000.50", 500_250_000), (" 0.000002 ", 1), ("0", 0), ("1e2", 50_000_000)],
)
def test_money_becomes_whole_units(text, units):
    assert read_amount(text, MONEY) == units


def test_units_stay_units():
    assert read_amount("12,345", UNITS) == 12_345


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "1e400", "99999999999999", "１２x", "\0"])
def test_what_is_no_amount(text):
    with pytest.raises(InvalidInput):
        read_amount(text, MONEY)


def test_signed_amounts_on_request():
    assert read_amount("-1", MONEY, signed=True) == -500_000
    assert explain_amount("-", MONEY) is None


@given(st.integers(0, MAX_UNITS))
def test_what_is_written_reads_back(units):
    assert read_amount(write_amount(units, MONEY), MONEY) == units
    assert read_amount(write_amount(units, UNITS), UNITS) == units
