"""What a failure means for a channel (contract §7.4, §7.6): pure rules, no clock, no database.

The original disables a channel for the word 'credit' anywhere in any answer, also in text a user sent. Here
what may be about the request counts only where the provider refuses for reasons of the account: 401, 402, 403
and 429. Words about the key itself always count, for some vendors send them with status 400.
"""

from collections import deque
from dataclasses import dataclass, field

from oneapi_app.convert.base import Failure

_DEAD_TYPES = frozenset({"insufficient_quota", "authentication_error", "permission_error", "forbidden"})
_DEAD_CODES = frozenset({"invalid_api_key", "account_deactivated"})
_DEAD_PHRASES = (
    "your access was terminated",
    "your credit balance is too low",
    "organization has been disabled",
    "organization has been restricted",
    "api key not valid",
    "api key expired",
    "已欠费",
)
_ACCOUNT_WORDS = ("credit", "balance", "permission denied", "violation of our policies")
_UNREACHED = "do_request_failed"
"""The provider could not be reached: the words are the system's, not the provider's."""
_ACCOUNT_STATUSES = frozenset({401, 402, 403, 429})

RATE_LIMIT_REST_S = 5.0
RATE_LIMIT_REST_MAX_S = 300.0
BROKEN_REST_S = 1.0
BROKEN_REST_MAX_S = 60.0
LONGEST_REST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """``disable``: the credential is dead. ``cooldown_s``: rest before the channel is preferred again."""

    disable: bool
    reason: str
    cooldown_s: float
    counts_as_failure: bool


def is_dead(failure: Failure) -> bool:
    """Whether the provider says that this credential will not work again by itself."""
    if failure.local or failure.code == _UNREACHED:
        return False
    if failure.status == 401 or failure.type in _DEAD_TYPES or failure.code in _DEAD_CODES:
        return True
    message = failure.message.lower()
    if any(phrase in message for phrase in _DEAD_PHRASES):
        return True
    return failure.status in _ACCOUNT_STATUSES and any(word in message for word in _ACCOUNT_WORDS)


def judge(failure: Failure, *, consecutive: int, auto_disable: bool) -> Verdict:
    """``consecutive``: failures of this channel in a row, this one included."""
    if failure.local:
        return Verdict(False, "", 0.0, False)
    dead = is_dead(failure)
    if failure.status == 429:
        rest = _doubling(RATE_LIMIT_REST_S, RATE_LIMIT_REST_MAX_S, consecutive)
        cooldown = _asked_for(failure) or rest
    elif failure.status >= 500:
        rest = _doubling(BROKEN_REST_S, BROKEN_REST_MAX_S, consecutive)
        cooldown = _asked_for(failure) or rest
    elif dead:
        cooldown = RATE_LIMIT_REST_MAX_S
    else:
        cooldown = 0.0
    counts = dead or failure.status == 429 or failure.status >= 500
    return Verdict(dead and auto_disable, failure.message or f"HTTP {failure.status}", cooldown, counts)


def _asked_for(failure: Failure) -> float:
    """Seconds the provider asks for (Retry-After), within reason."""
    return min(max(failure.retry_after_s or 0.0, 0.0), LONGEST_REST_S)


def _doubling(first: float, most: float, consecutive: int) -> float:
    return min(most, first * 2.0 ** min(max(consecutive - 1, 0), 16))


@dataclass(slots=True)
class SuccessWindow:
    """The last ``size`` outcomes of a channel; tells when too few of them were good."""

    size: int
    threshold: float
    outcomes: deque[bool] = field(default_factory=deque[bool])

    def add(self, ok: bool) -> float | None:
        """The success rate, where it has just fallen below the threshold; the window starts anew then."""
        self.outcomes.append(ok)
        while len(self.outcomes) > self.size:
            self.outcomes.popleft()
        if ok or len(self.outcomes) < self.size:
            return None
        rate = sum(self.outcomes) / len(self.outcomes)
        if rate >= self.threshold:
            return None
        self.outcomes.clear()
        return rate
