"""Fault rules at work: counted under a lock, per emulator and not in the file."""

from __future__ import annotations

import dataclasses
import math
import random
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from .fault_rules import FaultRule
from .requests import Route
from .responses import EmulatorAnswer

_WINDOW: Final = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as rules look at it.

    Attributes:
        method: Its method.
        route: Where it goes; None: nowhere in the API.
        owner: The installation; None: it shows no valid credentials.
        now: When.
    """

    method: str
    route: Route | None
    owner: str | None
    now: float


@dataclass(frozen=True, slots=True)
class Met:
    """What the rules say of one request.

    Attributes:
        latency: By how many seconds its response is late.
        rule: The first rule that does more than that, or None.
    """

    latency: float
    rule: FaultRule | None

    def response(self, carry_out: Callable[[], EmulatorAnswer], *, typed: bool) -> EmulatorAnswer:
        """What becomes of the request.

        Args:
            carry_out: Carries it out and returns its response.
            typed: Whether an error has the form of the sibling API.
        """
        response = carry_out() if self.rule is None else self.rule.response(carry_out, typed=typed)
        return dataclasses.replace(response, after=response.after + self.latency)


class Faults:
    """The rules of one emulator. Threads may share it.

    Args:
        rules: The rules that there are at first.
    """

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._lock = threading.Lock()
        self._counts = [_Count(rule) for rule in rules]

    def add(self, rule: FaultRule) -> None:
        """Add a rule, behind the others; it counts from now."""
        with self._lock:
            self._counts.append(_Count(rule))

    def clear(self) -> None:
        """Forget every rule."""
        with self._lock:
            self._counts.clear()

    def meet(self, asked: Asked, *, tell: bool) -> Met:
        """Show a request to every rule, once.

        Args:
            asked: The request.
            tell: Whether the 429 of a rate names the seconds to wait.
        """
        with self._lock:
            hits = [rule for count in self._counts if (rule := count.hit(asked, tell=tell))]
        return Met(sum(rule.latency for rule in hits) / 1000, next((rule for rule in hits if rule.action), None))


class _Count:
    """A rule, and what it has seen."""

    def __init__(self, rule: FaultRule) -> None:
        self._rule = rule
        self._met = 0
        self._random = random.Random(rule.seed)  # noqa: S311 - it has to be the same on every run
        self._served: dict[str, deque[float]] = defaultdict(deque)

    def hit(self, asked: Asked, *, tell: bool) -> FaultRule | None:
        """The rule as this request feels it; None: it does not."""
        if not self._rule.meets(asked.method, asked.route):
            return None
        self._met += 1
        if not self._rule.hits(self._met) or self._random.random() >= self._rule.chance:
            return None
        wait = self._wait(asked) if self._rule.rate else 0
        if not wait:
            return self._rule
        return dataclasses.replace(self._rule, rate=0, action="429", retry_after=wait if tell else None)

    def _wait(self, asked: Asked) -> int:
        """How many seconds an installation has to wait before its next request; 0: it is served."""
        if asked.owner is None:
            return 0
        served = self._served[asked.owner]
        while served and not asked.now - _WINDOW < served[0] <= asked.now:  # later than now: the clock was put back
            served.popleft()
        if len(served) >= self._rule.rate:
            return max(1, math.ceil(served[0] + _WINDOW - asked.now))
        served.append(asked.now)
        return 0
