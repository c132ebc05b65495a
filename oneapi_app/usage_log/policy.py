"""The rules of the usage log, without a database: ranges of time, what a search means."""

from oneapi_app.models.log import SYSTEM, TEST, UNKNOWN

HOUR_S = 3_600
DAY_S = 86_400


def type_in_search(keyword: str) -> int | None:
    """The log type a search means when it is a number, as the original compares it."""
    if keyword.isascii() and keyword.isdigit() and len(keyword) < 10:
        return int(keyword)
    return None


def is_known_type(type: int) -> bool:
    return UNKNOWN <= type <= max(SYSTEM, TEST)


def split_range(
    start: int, end: int
) -> tuple[tuple[int, int] | None, tuple[int, int] | None, tuple[int, int] | None]:
    """An inclusive range as (rows before the first full hour, full hours, rows after the last); absent parts None.

    The parts of rows are inclusive, the full hours end before their second number.
    """
    first, last = -(-start // HOUR_S) * HOUR_S, (end + 1) // HOUR_S * HOUR_S
    if first >= last:
        return ((start, end) if start <= end else None), None, None
    head = (start, first - 1) if start < first else None
    tail = (last, end) if last <= end else None
    return head, (first, last), tail


def week_of_days(now: int) -> tuple[int, int]:
    """The last seven UTC days, today included: from the first's beginning to before the end of today."""
    today = now - now % DAY_S
    return today - 6 * DAY_S, today + DAY_S
