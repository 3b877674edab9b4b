"""A clock that only moves when somebody sleeps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


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

    def take_over(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        """Let the retry loop sleep on this clock: tenacity, below stamina, says that its sleep is there to be replaced."""
        monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=self.sleep))
        return self
