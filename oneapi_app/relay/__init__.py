"""The relay: OpenAI-format requests in, a provider's answer out, billed to the unit.

Read ``flow`` first: it is the story. Everything around it is pure but for ``transport`` (the network),
``asgi`` (the caller's socket) and the ledger.
"""
