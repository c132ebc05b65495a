"""Balances of the users and tokens in play, in memory, and the arithmetic that never spends what is not there.

    available = value in the database as last seen − settled but not yet applied there − reserved

``available`` is what is kept, for every request asks for it. The value is the balance itself, or this node's lease of it
(``leases``).

Runs on the event loop's thread only, so every operation is atomic. An account is some 150 bytes and stays
once opened: as many as there are tokens in use. Knows neither journal nor database.
"""

import msgspec

from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.billing.errors import TokenQuotaExceeded, UserQuotaExceeded


class Account:
    """One user's balance or one token's quota. An unlimited token's figures are kept but never refuse."""

    __slots__ = ("available", "checked_at", "id", "limited", "unapplied", "value")

    def __init__(self, account_id: int) -> None:
        self.id = account_id
        self.limited = True
        self.value = 0
        """What the database has, as last seen, less what was applied since."""
        self.unapplied = 0
        """Settled, but not in the database yet."""
        self.available = 0
        """What the next request may reserve."""
        self.checked_at = 0.0
        """When a refusal last made somebody look into the database."""

    def read(self, value: int, *, limited: bool) -> None:
        """The database says this, with everything applied that ``unapplied`` no longer holds."""
        self.available += value - self.value
        self.value = value
        self.limited = limited

    def applied(self, units: int) -> None:
        """So much of what is settled is in the database."""
        self.unapplied -= units
        self.value -= units

    @property
    def balance(self) -> int:
        """The database's value less what is settled but not applied."""
        return self.value - self.unapplied

    @property
    def reserved(self) -> int:
        return self.balance - self.available

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
        if user.available < units:
            raise UserQuotaExceeded
        if token.limited and token.available < units:
            raise TokenQuotaExceeded
        user.available -= units
        token.available -= units
        return Reservation(user, token, units)

    def release(self, reservation: Reservation) -> None:
        """Nothing is owed. Without effect on a reservation that has ended."""
        if reservation.open:
            reservation.open = False
            reservation.user.available += reservation.units
            reservation.token.available += reservation.units

    def applied(self, batch: Batch, found: BalancesRead) -> None:
        """The batch is in the database; ``found`` is what the database says since."""
        for user_id, (units, _) in batch.users.items():
            if user := self.users.get(user_id):
                user.applied(units)
        for token_id, (units, _) in batch.tokens.items():
            if token := self.tokens.get(token_id):
                token.applied(units)
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
    limited = take(reservation, units)
    if limited is None:
        user, token = reservation.user, reservation.token
        there = min(user.available, token.available) if token.limited else user.available
        units = max(0, there + reservation.units)
        limited = take(reservation, units, whatever_is_left=True)
        assert limited is not None
    return units, limited


def take(reservation: Reservation, units: int, *, whatever_is_left: bool = False) -> bool | None:
    """Ends the reservation and takes ``units``; whether the token's quota pays too. Raises RuntimeError the second time.

    None, and nothing has changed, where not all of it is there, unless that does not matter.
    """
    user, token, held = reservation.user, reservation.token, reservation.units
    limited, beyond = token.limited, units - held
    if (user.available < beyond or (limited and token.available < beyond)) and not whatever_is_left:
        return None
    if not reservation.open:
        raise RuntimeError("this reservation has ended already")
    reservation.open = False
    user.available -= beyond
    user.unapplied += units
    if limited:
        token.available -= beyond
        token.unapplied += units
    else:
        token.available += held
    return limited
