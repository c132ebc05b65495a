"""Accounts: users, their roles, how they sign in, and what they may see of each other."""
