"""What the relay remembers of its channels: who is resting, who has just been switched off.

The rules are ``channels.health``'s; this holds their state for one process and hands consequences on.
"""

import logging

log = logging.getLogger(__name__)
