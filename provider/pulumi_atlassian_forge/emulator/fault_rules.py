"""A fault rule: which requests it meets, which of them it hits, and what it does to those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from .fault_actions import Details, action_of, perform, status_of
from .option_text import check, choice, number, pair, read, table, text
from .requests import Route
from .responses import EmulatorAnswer

_HANG: Final = 60
_HOUR: Final = 3600
_ASKS_TO_WAIT: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A rule; :meth:`parse` reads one from its text.

    Raises:
        ValueError: A value that its key does not have, or values that say nothing together.
    """

    method: str = choice("any", "GET", "POST", "PUT", "DELETE", about="it meets requests with this method only")
    on: str = choice("any", "list", "module", about="`list`: the `GET` of the list only; `module`: everything else only")
    version: str = choice("any", "v1", "v2", about="it meets requests under this version of the API only")
    nth: int = number(1, least=1, about="the first request that it hits, of those that it meets from when it was set")
    times: int | None = number(
        None, about="how many in a row it hits; `0`: all. Without it 1, and all where there is no `action`"
    )
    chance: float = number(1, most=1, whole=False, about="how likely it hits each of them")
    seed: int = number(0, about="the start of the random numbers for `chance`: the same seed, the same hits")
    action: str = text(about="what it does to what it hits: one of the actions below", shown="none")
    seconds: float | None = number(None, most=_HOUR, whole=False, about=f"for `hang`: how long; without it {_HANG}")
    retry_after: int | None = number(None, spelled="retry-after", about="for 429 and 503: the header `Retry-After`, in seconds")
    latency: int = number(
        0, most=1000 * _HOUR, about="milliseconds by which the responses are late, whatever else happens to them"
    )
    rate: int = number(0, about="requests per second and installation before a 429, in place of an `action`; `0`: no limit")

    def __post_init__(self) -> None:
        check(self)
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

    @classmethod
    def parse(cls, rule: str) -> FaultRule:
        """A rule from its text.

        Args:
            rule: ``name=value`` texts, separated by commas.

        Raises:
            ValueError: It is no rule.
        """
        try:
            return cls(**read(cls, "a key of a rule", _texts(rule)))
        except ValueError as error:
            raise ValueError(f"the fault {rule!r} cannot be used: {error}") from None

    def meets(self, method: str, route: Route | None) -> bool:
        """Whether a request is one of those that it counts.

        Args:
            method: The request's method.
            route: Where it goes; None: nowhere in the API.
        """
        version, on = (route.version, _on(method, route)) if route else (None, None)
        return self.method in ("any", method) and self.version in ("any", version) and self.on in ("any", on)

    def hits(self, number: int) -> bool:
        """Whether a request can be one of those that it does something to.

        Args:
            number: Which one of those that it met; the first is 1.
        """
        times = self.times if self.times is not None else 1 if self.action else 0
        return self.nth <= number and (times == 0 or number < self.nth + times)

    def response(self, carry_out: Callable[[], EmulatorAnswer], *, typed: bool) -> EmulatorAnswer:
        """What becomes of a request that it hits; the latency is not in it.

        Args:
            carry_out: Carries the request out and returns its response.
            typed: Whether an error has the form of the sibling API.
        """
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        seconds = _HANG if self.seconds is None else self.seconds
        return perform(self.action, carry_out, Details(status_of(self.action), headers, seconds, typed))


def _texts(rule: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in map(pair, rule.split(",")):
        if name in texts:
            raise ValueError(f"{name} is given twice")
        texts[name] = value
    return texts


def _on(method: str, route: Route) -> str:
    return "list" if method == "GET" and route.key is None else "module"


def as_markdown() -> str:
    """The keys of a rule as a Markdown table."""
    return table(FaultRule, "key")
