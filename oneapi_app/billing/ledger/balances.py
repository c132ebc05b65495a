"""Balances of the users and tokens in play, in memory, and the arithmetic that never spends what is not there.

    available = value in the database as last seen − settled but not yet applied there − reserved

The value is the balance itself, or this node's lease of it (``leases``).

Runs on the event loop's thread only, so every operation is atomic. An account is some 150 bytes and stays
once opened: as many as there are tokens in use. Knows neither journal nor database.
"""

import msgspec

from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.errors import TokenQuotaExceeded, UserQuotaExceeded


class Account:
    """One user's balance or one token's quota. An unlimited token's figures are kept but never refuse."""

    __slots__ = ("balance", "checked_at", "id", "limited", "reserved", "unapplied")

    def __init__(self, account_id: int) -> None:
        self.id = account_id
        self.limited = True
        self.balance = 0
        """The database's value less what is settled but not applied."""
        self.unapplied = 0
        self.reserved = 0
        self.checked_at = 0.0
        """When a refusal last made somebody look into the database."""

    def read(self, value: int, *, limited: bool) -> None:
        """The database says this, with everything applied that ``unapplied`` no longer holds."""
        self.balance = value - self.unapplied
        self.limited = limited

    @property
    def available(self) -> int:
        """What the next request may reserve."""
        return self.balance - self.reserved

    @property
    def whole(self) -> int:
        """All that the account has as far as this process knows, reserved or not."""
        return self.balance


class Reservation(msgspec.Struct, gc=False):
    """Units set aside for one request; ends by being settled or released, once."""

    user: Account
    token: Account
    units: int
    open: bool = True


class MemoryBalances:
    """The balances of one process."""

    def __init__(self) -> None:
        self.users: dict[int, Account] = {}
        self.tokens: dict[int, Account] = {}

    def reserve(self, user_id: int, token_id: int, units: int) -> Reservation:
        """Raises UserQuotaExceeded, TokenQuotaExceeded; KeyError where the account is not open."""
        user = self.users[user_id]
        token = self.tokens[token_id]
        if user.balance - user.reserved < units:
            raise UserQuotaExceeded
        if token.limited and token.balance - token.reserved < units:
            raise TokenQuotaExceeded
        user.reserved += units
        token.reserved += units
        return Reservation(user, token, units)

    def release(self, reservation: Reservation) -> None:
        """Nothing is owed. Without effect on a reservation that has ended."""
        if reservation.open:
            reservation.open = False
            reservation.user.reserved -= reservation.units
            reservation.token.reserved -= reservation.units

    def applied(self, batch: Batch, found: BalancesRead) -> None:
        """The batch is in the database; ``found`` is what the database says since."""
        for user_id, (units, _) in batch.users.items():
            if user := self.users.get(user_id):
                user.unapplied -= units
        for token_id, (units, _) in batch.tokens.items():
            if token := self.tokens.get(token_id):
                token.unapplied -= units
        for user_id, quota in found.users.items():
            if user := self.users.get(user_id):
                user.read(quota, limited=True)
        for token_id, (quota, limited) in found.tokens.items():
            if token := self.tokens.get(token_id):
                token.read(quota, limited=limited)


def collect(reservation: Reservation, units: int) -> tuple[int, bool]:
    """Ends the reservation and takes ``units``, or what is there if that is less.

    Returns what was taken and whether the token's quota pays too. Raises RuntimeError the second time.
    """
    limited = collect_all(reservation, units)
    if limited is None:
        user, token = reservation.user, reservation.token
        there = min(user.available, token.available) if token.limited else user.available
        units = max(0, there + reservation.units)
        limited = _take(reservation, units)
    return units, limited


def collect_all(reservation: Reservation, units: int) -> bool | None:
    """As ``collect``, where all of it is there; None, and nothing has changed, where it is not."""
    user, token = reservation.user, reservation.token
    beyond = units - reservation.units
    if user.balance - user.reserved < beyond or (token.limited and token.balance - token.reserved < beyond):
        return None
    return _take(reservation, units)


def _take(reservation: Reservation, units: int) -> bool:
    """Whether the token's quota pays too."""
    if not reservation.open:
        raise RuntimeError("this reservation has ended already")
    reservation.open = False
    user, token, reserved = reservation.user, reservation.token, reservation.units
    user.reserved -= reserved
    token.reserved -= reserved
    user.balance -= units
    user.unapplied += units
    if not token.limited:
        return False
    token.balance -= units
    token.unapplied += units
    return True
