"""Channels: which vendor keys there are, how they fare, and what to do about it."""
