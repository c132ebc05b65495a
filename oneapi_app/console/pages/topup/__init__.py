"""Topping up: redeeming a code, the operator's shop, inviting others."""
