"""The ledger: reserve before sending, settle exactly once, also across ``kill -9``.

    reserve -> settle -> one journal line per loop tick -> batches -> database, with the journal's position

``ledger`` is the face; ``balances`` the arithmetic; ``journal`` the file; ``writer`` the database thread.
What a crash can lose is told in ``docs/ledger.md``.
"""

from oneapi_app.billing.charge import Charge
from oneapi_app.billing.ledger.balances import Account, Reservation
from oneapi_app.billing.ledger.ledger import Ledger, LedgerStats

__all__ = ["Account", "Charge", "Ledger", "LedgerStats", "Reservation"]
