"""Redemption codes: quota handed out as text, each good for one redeemer."""
