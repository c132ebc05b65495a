"""Recent latencies, for the dashboard and ``/api/status``. In memory, this process only."""

from collections import deque
from dataclasses import dataclass, field

WINDOW = 1000
"""Latest requests looked back on for percentiles."""


@dataclass(slots=True)
class Activity:
    served: int = 0
    failed: int = 0
    elapsed_ms: deque[int] = field(default_factory=lambda: deque[int](maxlen=WINDOW))
    first_token_ms: deque[int] = field(default_factory=lambda: deque[int](maxlen=WINDOW))

    def note_served(self, elapsed_ms: int, first_token_ms: int) -> None:
        """``first_token_ms`` 0: nothing was streamed."""
        self.served += 1
        self.elapsed_ms.append(elapsed_ms)
        if first_token_ms:
            self.first_token_ms.append(first_token_ms)

    def percentile(self, values: deque[int], fraction: float) -> int:
        """0 while nothing has been served."""
        if not values:
            return 0
        ordered = sorted(values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]
