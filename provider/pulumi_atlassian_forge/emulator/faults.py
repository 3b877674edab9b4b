"""Fault rules: which requests a rule matches, what it does to them, and the decision of all rules about each request."""

from __future__ import annotations

import dataclasses
import math
import random
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from .fault_actions import Details, action_of, perform, status_of
from .option_model import OptionModel, pair
from .requests import Route
from .responses import EmulatorResponse

_RATE_WINDOW_S: Final = 1.0
_HANG_S: Final = 60
_HOUR_S: Final = 3600
_ASKS_TO_WAIT: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class FaultRule(OptionModel):
    """A fault rule; :meth:`parse` reads one from its text. Values that do not fit their key or each other are a ValueError."""

    KIND: ClassVar[str] = "a key of a rule"

    method: Literal["any", "GET", "POST", "PUT", "DELETE"] = "any"
    """it matches only requests with this method"""
    on: Literal["any", "list", "module", "details"] = "any"
    """`list`: only the `GET` of the list; `details`: only that of an installation's details; `module`: only everything else"""
    version: Literal["any", "v1", "v2"] = "any"
    """it matches only requests under this version of the API"""
    nth: int = Field(1, ge=1)
    """the first matched request, counted from when the rule was set, to which it applies"""
    times: int | None = Field(None, ge=0)
    """to how many in a row; `0`: all. Without it 1, and all if there is no `action`"""
    chance: float = Field(1, ge=0, le=1)
    """the probability that it applies to each of them"""
    seed: int = Field(0, ge=0)
    """the seed of the random numbers for `chance`: the same seed, the same requests"""
    action: str = Field("", json_schema_extra={"shown": "none"})
    """what it does to them: one of the actions below"""
    seconds: float | None = Field(None, ge=0, le=_HOUR_S)
    """for `hang`: how long; without it 60"""
    retry_after: int | None = Field(None, ge=0, alias="retry-after")
    """for 429 and 503: the header `Retry-After`, in seconds"""
    latency: int = Field(0, ge=0, le=1000 * _HOUR_S)
    """the milliseconds by which each response is delayed, with any action"""
    rate: int = Field(0, ge=0)
    """requests per second and installation before a 429, in place of an `action`; `0`: no limit"""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.action:
            action_of(self.action)
        elif not (self.latency or self.rate):
            raise ValueError("it does nothing: give it an action, a latency or a rate")
        if self.action and self.rate:
            raise ValueError("it has an action and a rate: write two rules")
        if self.seconds is not None and self.action != "hang":
            raise ValueError("seconds is for the action hang only")
        if self.retry_after is not None and status_of(self.action) not in _ASKS_TO_WAIT:
            raise ValueError("retry-after is for an action with 429 or 503 only")
        return self

    @classmethod
    def parse(cls, rule: str) -> FaultRule:
        """A rule from its text, ``name=value`` separated by commas; raises ValueError if it is none."""
        try:
            return cls.from_texts(_texts(rule))
        except ValueError as error:
            raise ValueError(f"the fault {rule!r} cannot be used: {error}") from None

    def matches(self, method: str, route: Route | None) -> bool:
        """Whether a request is one of those that the rule counts."""
        version, on = (route.version, _on(method, route)) if route else (None, None)
        return self.method in ("any", method) and self.version in ("any", version) and self.on in ("any", on)

    def applies_to(self, number: int) -> bool:
        """Whether the rule can apply to the n-th request that it matches; the first is 1."""
        times = self.times if self.times is not None else 1 if self.action else 0
        return self.nth <= number and (times == 0 or number < self.nth + times)

    def response(self, carry_out: Callable[[], EmulatorResponse], *, typed: bool) -> EmulatorResponse:
        """The response to a request to which the rule applies, without the latency."""
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        seconds = _HANG_S if self.seconds is None else self.seconds
        return perform(self.action, carry_out, Details(status_of(self.action), headers, seconds, typed))


def _texts(rule: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in map(pair, rule.split(",")):
        if name in texts:
            raise ValueError(f"{name} is given twice")
        texts[name] = value
    return texts


def _on(method: str, route: Route) -> str:
    if route.installation is not None:
        return "details"
    return "list" if method == "GET" and route.key is None else "module"


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """The part of a request that rules look at."""

    method: str
    route: Route | None  # None: the API has no such path
    installation: str | None  # None: no valid credentials
    now: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of the rules about one request."""

    latency_s: float  # by how many seconds its response is delayed
    rule: FaultRule | None  # the first rule with an action that applies to it

    def response(self, carry_out: Callable[[], EmulatorResponse], *, typed: bool) -> EmulatorResponse:
        """The response to the request; ``carry_out`` carries it out."""
        response = carry_out() if self.rule is None else self.rule.response(carry_out, typed=typed)
        return dataclasses.replace(response, delay_s=response.delay_s + self.latency_s)


class Faults:
    """The rules of one emulator. Threads may share it."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._lock = threading.Lock()
        self._counts = [_Count(rule) for rule in rules]

    def add(self, rule: FaultRule) -> None:
        """Add a rule after the others; its count starts now."""
        with self._lock:
            self._counts.append(_Count(rule))

    def clear(self) -> None:
        """Remove every rule."""
        with self._lock:
            self._counts.clear()

    def decide(self, request: IncomingRequest, *, retry_after: bool) -> Decision:
        """Count a request in every rule and decide about it; ``retry_after``: whether the 429 of a rate names a wait."""
        with self._lock:
            applied = [rule for count in self._counts if (rule := count.applied(request, retry_after=retry_after))]
        return Decision(sum(rule.latency for rule in applied) / 1000, next((rule for rule in applied if rule.action), None))


class _Count:
    """A rule, and the count of the requests that it has matched."""

    def __init__(self, rule: FaultRule) -> None:
        self._rule = rule
        self._matched = 0
        self._random = random.Random(rule.seed)  # noqa: S311 - it has to be the same on every run
        self._served: dict[str, deque[float]] = defaultdict(deque)

    def applied(self, request: IncomingRequest, *, retry_after: bool) -> FaultRule | None:
        """The rule as it applies to this request, or None."""
        if not self._rule.matches(request.method, request.route):
            return None
        self._matched += 1
        if not self._rule.applies_to(self._matched) or self._random.random() >= self._rule.chance:
            return None
        wait = self._wait(request) if self._rule.rate else 0
        if not wait:
            return self._rule
        return self._rule.model_copy(update={"rate": 0, "action": "429", "retry_after": wait if retry_after else None})

    def _wait(self, request: IncomingRequest) -> int:
        """How many seconds an installation has to wait; 0 if the request is within the rate."""
        if request.installation is None:
            return 0
        served = self._served[request.installation]
        while served and not request.now - _RATE_WINDOW_S < served[0] <= request.now:  # later than now: the clock was set back
            served.popleft()
        if len(served) >= self._rule.rate:
            return max(1, math.ceil(served[0] + _RATE_WINDOW_S - request.now))
        served.append(request.now)
        return 0
