"""The log: what was asked, by whom, what it cost and how it went."""
