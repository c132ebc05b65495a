"""Amounts people type: money or raw quota, to whole units and back. Pure."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from oneapi_app.errors import InvalidInput
from oneapi_app.options import OptionValues

MAX_UNITS = 2**53


def read_amount(text: str, options: OptionValues, *, signed: bool = False) -> int:
    """Quota units. ``text`` is money where the operator shows money, else quota; blanks and commas are fine.

    Raises InvalidInput for anything that is no amount, or below zero unless ``signed``.
    """
    plain = text.replace(",", "").replace("，", "").replace("$", "").strip()
    try:
        number = Decimal(plain)
        if options.display_in_currency_enabled:
            number *= Decimal(str(options.quota_per_unit))
        units = int(number.quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        raise InvalidInput("请输入有效的金额", "enter an amount") from None
    if units < 0 and not signed:
        raise InvalidInput("额度不能为负数", "the amount cannot be negative")
    if abs(units) > MAX_UNITS:
        raise InvalidInput("额度过大", "the amount is too large")
    return units


def write_amount(units: int, options: OptionValues) -> str:
    """What ``read_amount`` reads back as the same number of units, without needless zeros."""
    if not options.display_in_currency_enabled:
        return str(units)
    amount = Decimal(units) / Decimal(str(options.quota_per_unit))
    text = f"{amount:.9f}".rstrip("0").rstrip(".")
    return text or "0"


def explain_amount(text: str, options: OptionValues) -> int | None:
    """The units an unfinished entry stands for, None where it is none yet."""
    try:
        return read_amount(text, options, signed=True)
    except InvalidInput:
        return None
