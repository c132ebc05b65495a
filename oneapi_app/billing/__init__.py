"""What requests cost, and the ledger that charges for them exactly once.

``prices`` and ``policy`` are pure. ``ledger`` keeps balances in memory, writes settlements to a journal and
has them applied to the database in batches. Nothing here knows of HTTP, providers or the console.
"""
