"""SQLModel tables, one file each: seven of the original, then those of our own (``oneapi_…``).

The seven keep the original's names, columns, types and defaults, so that it can take the database back.
Columns are nullable there and rows of older versions hold NULLs: read them as zero values.
"""

from oneapi_app.models.ability import Ability
from oneapi_app.models.account_lease import AccountLease
from oneapi_app.models.channel import Channel
from oneapi_app.models.channel_state import ChannelState
from oneapi_app.models.duty import Duty
from oneapi_app.models.github_account import GitHubAccount
from oneapi_app.models.ledger_cursor import LedgerCursor
from oneapi_app.models.log import Log
from oneapi_app.models.log_detail import LogDetail
from oneapi_app.models.one_time_code import OneTimeCode
from oneapi_app.models.option import Option
from oneapi_app.models.redeemer import Redeemer
from oneapi_app.models.redemption import Redemption
from oneapi_app.models.relay_failure import RelayFailure
from oneapi_app.models.session import LoginSession
from oneapi_app.models.token import Token
from oneapi_app.models.usage_hour import UsageHour
from oneapi_app.models.usage_mark import UsageMark
from oneapi_app.models.usage_total import UsageTotal
from oneapi_app.models.user import User

__all__ = [
    "Ability",
    "AccountLease",
    "Channel",
    "ChannelState",
    "Duty",
    "GitHubAccount",
    "LedgerCursor",
    "Log",
    "LogDetail",
    "LoginSession",
    "OneTimeCode",
    "Option",
    "Redeemer",
    "Redemption",
    "RelayFailure",
    "Token",
    "UsageHour",
    "UsageMark",
    "UsageTotal",
    "User",
]
