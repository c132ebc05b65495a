"""An HTTP/1.1 client made for one use: many small requests to few hosts, on one event loop.

``message`` writes requests, ``connection`` reads answers from one socket, ``pool`` hands sockets out, ``dial``
opens them, ``tls`` says whom to trust, ``watch`` keeps the time. ``relay.transport_h1`` puts them together.
"""
