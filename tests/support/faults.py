"""Faults of a request or its response, for the independent server."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from testing.independent_server import CUT, DROP, Call, Server

ERROR = {"message": "An internal error occurred"}
SLOW = 3.0
"""Seconds of a response that comes too late, for clients with a ``requestTimeout`` of 2."""


@dataclass(frozen=True)
class Fault:
    """``when`` it strikes, at how many requests in a row, and what comes in place of the response."""

    when: Literal["before", "after"]
    response: Any
    times: int = 1
    delay: float = 0.0


FAULTS: dict[str, Fault] = {
    "response lost after commit": Fault("after", DROP),
    "500 after commit": Fault("after", (500, ERROR)),
    "504 after commit": Fault("after", (504, b"<html>gateway</html>")),
    "body cut": Fault("after", CUT),
    "unreadable response": Fault("after", (201, b"not json")),
    "wrong body": Fault("after", (201, {"unexpected": True})),
    "429 three times": Fault("before", (429, {"message": "slow down"}, {"retry-after": "0"}), times=3),
    "500 twice": Fault("before", (500, ERROR), times=2),
    "503 twice": Fault("before", (503, ERROR), times=2),
    "502 html": Fault("before", (502, b"<html>bad gateway</html>")),
    "dropped before commit": Fault("before", DROP),
    "redirect after commit": Fault("after", (302, b"", {"location": "https://elsewhere.invalid/"})),
}
TOO_LATE = {"time-out after commit": Fault("after", DROP, delay=SLOW)}
"""Needs a client with a short ``requestTimeout``."""


@dataclass(frozen=True)
class Order:
    """A fault at the requests of one method, from the ``first`` on, counted from 1."""

    method: str
    first: int
    fault: Fault


def arm(server: Server, orders: Iterable[Order]) -> None:
    """Order faults; the counts begin now, and earlier orders are void."""
    orders = list(orders)
    server.interfere = _Struck(orders, "before")
    server.distort = _Struck(orders, "after")


def disarm(server: Server) -> None:
    arm(server, [])


class _Struck:
    def __init__(self, orders: list[Order], when: str) -> None:
        self._orders = [order for order in orders if order.fault.when == when]
        self._seen: dict[str, int] = {}

    def __call__(self, call: Call, *_done: Any) -> Any:
        # Two threads at once may share a number or skip one: a fault strikes a little elsewhere then, which is no matter.
        number = self._seen[call.method] = self._seen.get(call.method, 0) + 1
        for order in self._orders:
            if order.method == call.method and order.first <= number < order.first + order.fault.times:
                time.sleep(order.fault.delay)
                return order.fault.response
        return None
