"""A fake clock, which a sleep moves on."""

from __future__ import annotations


class Clock:
    """Call it for the time; ``sleeps`` are the pauses that were made, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
