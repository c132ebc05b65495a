"""The dashboard: balance, spending, what runs, what needs attention, and the first steps."""
