"""Misbehaviour on demand: errors, throttling, answers that never arrive. Counted per emulator, not in the file."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque

from .switches import Switches

_WINDOW = 1.0


class Faults:
    """What the switches demand, counted from when they were set.

    Args:
        switches: The switches.
    """

    def __init__(self, switches: Switches) -> None:
        self._lock = threading.Lock()
        self._failures = switches.fault_500
        self._losses = switches.lose_answers
        self._rate = switches.rate_limit
        self._served: dict[str, deque[float]] = defaultdict(deque)

    def fails(self) -> bool:
        """Whether the next request fails."""
        with self._lock:
            self._failures -= 1
            return self._failures >= 0

    def loses(self) -> bool:
        """Whether the next registration's answer is lost."""
        with self._lock:
            self._losses -= 1
            return self._losses >= 0

    def wait(self, installation: str, now: float) -> int:
        """How many seconds an installation has to wait before its next request; 0: it is served.

        Args:
            installation: Who asks.
            now: When.
        """
        if not self._rate:
            return 0
        with self._lock:
            served = self._served[installation]
            while served and not now - _WINDOW < served[0] <= now:  # later than now: the clock was put back
                served.popleft()
            if len(served) >= self._rate:
                return max(1, math.ceil(served[0] + _WINDOW - now))
            served.append(now)
            return 0
