"""Redemption codes, for admins: making, handing out, seeing who used which."""
