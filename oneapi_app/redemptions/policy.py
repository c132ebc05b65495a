"""The rules of redemption codes, without a database."""

from oneapi_app.errors import InvalidInput, invalid_parameter
from oneapi_app.kit.text import is_storable
from oneapi_app.models.redemption import DISABLED, ENABLED, USED

MAX_NAME_BYTES = 20
MAX_COUNT = 100
MAX_QUOTA = 2**53
"""Browsers and scripts read quotas as JSON numbers; beyond this they are no longer exact there."""
DEFAULT_QUOTA = 100
"""What the original's column default makes of a quota of 0."""


def check_name(name: str) -> None:
    if not 0 < len(name.encode(errors="replace")) <= MAX_NAME_BYTES or not is_storable(name):
        raise InvalidInput(
            "兑换码名称长度必须在1-20之间", f"a name has 1 to {MAX_NAME_BYTES} bytes (6 Chinese characters)"
        )


def check_count(count: int) -> None:
    if count <= 0:
        raise InvalidInput("兑换码个数必须大于0", "at least one code")
    if count > MAX_COUNT:
        raise InvalidInput("一次兑换码批量生成的个数不能大于 100", f"at most {MAX_COUNT} codes at once")


def check_quota(quota: int) -> None:
    """A code that takes quota away is refused, unlike in the original."""
    if quota < 0:
        raise InvalidInput("兑换码额度不能为负数", "a code's quota cannot be negative")
    if quota > MAX_QUOTA:
        raise InvalidInput("兑换码额度过大", "the quota is too large")


def check_status(status: int) -> None:
    """Only states the original knows are ever stored."""
    if status not in (ENABLED, DISABLED, USED):
        raise invalid_parameter()
