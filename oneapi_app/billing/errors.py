"""Why the ledger refuses.

LedgerRefusal             nothing was reserved
  UserQuotaExceeded       the owner's balance does not cover the amount
  TokenQuotaExceeded      the token's quota does not
  JournalUnavailable      settlements cannot be recorded now, so nothing new is taken on
"""


class LedgerRefusal(Exception):
    """Nothing was reserved."""


class UserQuotaExceeded(LedgerRefusal):
    """The owner's balance does not cover the amount."""


class TokenQuotaExceeded(LedgerRefusal):
    """The token's remaining quota does not cover the amount."""


class JournalUnavailable(LedgerRefusal):
    """The journal cannot be written or is full. The text is meant for clients and operators."""
